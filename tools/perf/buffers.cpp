#include "buffers.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace motet_perf {

Memory allocate(const motet::Communicator& comm, std::size_t bytes, bool shared) {
  constexpr std::size_t page = 4096;
  const std::size_t whole_pages = (bytes / page + 1) * page;
  if (!shared) {
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(page, whole_pages));
    if (memory == nullptr) throw std::bad_alloc();
    return {memory, [](std::byte* p) { std::free(p); }};
  }
  void* memory = nullptr;
  motet::check(motet_mem_alloc(comm.handle(), whole_pages, &memory));
  return {static_cast<std::byte*>(memory),
          [handle = comm.handle()](std::byte* p) { (void)motet_mem_free(handle, p); }};
}

Buffers::Buffers(const Setup& setup) : setup_(setup) {
  const bool together = setup.placing == Placing::in_place;
  const Placement at = together ? motet_perf::in_place(setup.shape, setup.rank) : Placement{0, 0};
  input_ = (together ? setup.second : setup.first) + at.input * setup.element_bytes;
  output_ = setup.second + at.output * setup.element_bytes;
}

Segment Buffers::input_segment() const {
  return {setup_.rank, setup_.stream_start, input_count(setup_.shape, setup_.rank)};
}

std::size_t Buffers::output_bytes() const {
  return output_count(setup_.shape, setup_.rank) * setup_.element_bytes;
}

void Buffers::fill(const Pattern& pattern) const {
  constexpr int no_result = 0xA5;
  std::memset(output_, no_result, output_bytes());
  pattern.fill(input_segment(), input_);
}

std::size_t Buffers::count_wrong(const Pattern& pattern) const {
  std::size_t wrong = 0;
  const std::byte* at = output_;
  for (Segment segment : output_segments(setup_.shape, setup_.rank)) {
    segment.start += setup_.stream_start;
    wrong += pattern.count_wrong(segment, at);
    at += segment.count * setup_.element_bytes;
  }
  if (!in_place()) wrong += pattern.count_wrong(input_segment(), input_);
  return wrong;
}

void Buffers::read() const {
  constexpr std::size_t line_bytes = 64;
  const std::size_t bytes = output_bytes();
  for (std::size_t at = 0; at < bytes; at += line_bytes)
    (void)*static_cast<const volatile std::byte*>(output_ + at);
}

}  // namespace motet_perf
