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

Buffers::Buffers(const Shape& shape, const TypeRow& type, int rank, std::byte* first,
                 std::byte* second, Placing placing)
    : shape_(shape), element_bytes_(type.bytes), rank_(rank), placing_(placing) {
  const Placement at = placing == Placing::in_place ? in_place(shape, rank) : Placement{0, 0};
  std::byte* inputs = placing == Placing::in_place ? second : first;
  input_ = inputs + at.input * element_bytes_;
  output_ = second + at.output * element_bytes_;
}

void Buffers::fill(const Pattern& pattern) const {
  constexpr int no_result = 0xA5;
  std::memset(output_, no_result, output_count(shape_, rank_) * element_bytes_);
  pattern.fill(input_segment(), input_);
}

std::size_t Buffers::count_wrong(const Pattern& pattern) const {
  std::size_t wrong = 0;
  const std::byte* at = output_;
  for (const Segment& segment : output_segments(shape_, rank_)) {
    wrong += pattern.count_wrong(segment, at);
    at += segment.count * element_bytes_;
  }
  if (placing_ == Placing::out_of_place) wrong += pattern.count_wrong(input_segment(), input_);
  return wrong;
}

void Buffers::read() const {
  constexpr std::size_t line_bytes = 64;
  const std::size_t bytes = output_count(shape_, rank_) * element_bytes_;
  for (std::size_t at = 0; at < bytes; at += line_bytes)
    (void)*static_cast<const volatile std::byte*>(output_ + at);
}

}  // namespace motet_perf
