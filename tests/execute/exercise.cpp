#include "exercise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace motet::test {
namespace {

constexpr std::size_t margin = 64;
constexpr std::byte untouched{0xA5};

bool all_untouched(const std::vector<std::byte>& buffer, std::size_t from, std::size_t to) {
  return std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(from),
                     buffer.begin() + static_cast<std::ptrdiff_t>(to),
                     [](std::byte b) { return b == untouched; });
}

}  // namespace

Exercise::Exercise(const Ask& ask, Rank me, int size, std::uint64_t seed)
    : ask_(ask),
      me_(me),
      size_(size),
      seed_(seed),
      bytes_(element_bytes(ask.type)),
      input_at_(margin),
      output_at_(margin) {
  const auto [input, output] = extent();
  const std::size_t mine = static_cast<std::size_t>(me) * ask.count * bytes_;
  if (shared()) {
    input_.assign(2 * margin + std::max(input, output) * bytes_, untouched);
    if (ask.collective == Collective::allgather) input_at_ += mine;
    if (ask.collective == Collective::reduce_scatter) output_at_ += mine;
  } else {
    input_.assign(2 * margin + input * bytes_, untouched);
    output_.assign(2 * margin + output * bytes_, untouched);
  }
  for (std::size_t i = 0; i < input; ++i) {
    const std::uint64_t value = given(me, i);
    std::memcpy(input_.data() + input_at_ + i * bytes_, &value, bytes_);
  }
}

Exercise::Extent Exercise::extent() const {
  const std::size_t all = ask_.count * static_cast<std::size_t>(size_);
  const bool root = ask_.root == me_;
  switch (ask_.collective) {
    case Collective::allreduce:
      return {ask_.count, ask_.count};
    case Collective::reduce:
      return {ask_.count, root ? ask_.count : 0};
    case Collective::broadcast:
      return {root ? ask_.count : 0, ask_.count};
    case Collective::allgather:
      return {ask_.count, all};
    case Collective::reduce_scatter:
      return {all, ask_.count};
    case Collective::alltoall:
      return {all, all};
    case Collective::gather:
      return {ask_.count, root ? all : 0};
    case Collective::scatter:
      return {root ? all : 0, ask_.count};
    case Collective::send:
      return {ask_.count, 0};
    case Collective::recv:
      return {0, ask_.count};
    case Collective::barrier:
      return {};
  }
  return {};
}

std::uint64_t Exercise::given(Rank rank, std::size_t index) const {
  std::uint64_t z = seed_ * 0x9e3779b97f4a7c15 + static_cast<std::uint64_t>(rank) * 0x10001 + index;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  return z ^ (z >> 27);
}

std::uint64_t Exercise::sum(std::size_t index) const {
  std::uint64_t total = 0;
  for (Rank rank = 0; rank < size_; ++rank) total += given(rank, index);
  return total;
}

std::uint64_t Exercise::expected(std::size_t index) const {
  const std::size_t count = std::max<std::size_t>(ask_.count, 1);
  const auto me = static_cast<std::size_t>(me_);
  const auto part = static_cast<Rank>(index / count);
  switch (ask_.collective) {
    case Collective::allreduce:
    case Collective::reduce:
      return sum(index);
    case Collective::reduce_scatter:
      return sum(me * ask_.count + index);
    case Collective::allgather:
    case Collective::gather:
      return given(part, index % count);
    case Collective::alltoall:
      return given(part, me * ask_.count + index % count);
    case Collective::scatter:
      return given(ask_.root, me * ask_.count + index);
    default:  // broadcast, recv
      return given(ask_.root, index);
  }
}

std::uint64_t Exercise::load(const std::byte* from, std::size_t index) const {
  std::uint64_t value = 0;
  std::memcpy(&value, from + index * bytes_, bytes_);
  return value;
}

bool Exercise::margins_are_intact() const {
  for (const auto* buffer : {&input_, &output_}) {
    if (buffer->empty()) continue;
    if (!all_untouched(*buffer, 0, margin)) return false;
    if (!all_untouched(*buffer, buffer->size() - margin, buffer->size())) return false;
  }
  return true;
}

std::string Exercise::problem() const {
  const auto [input, output] = extent();
  const std::uint64_t mask = bytes_ == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * bytes_) - 1;
  const std::byte* result = (shared() ? input_.data() : output_.data()) + output_at_;
  std::ostringstream call;
  call << ask_;
  for (std::size_t i = 0; i < output; ++i) {
    if (load(result, i) == (expected(i) & mask)) continue;
    return fmt::format("rank {} of {}: {}: element {} is {:#x}, should be {:#x}", me_, size_,
                       call.str(), i, load(result, i), expected(i) & mask);
  }
  if (!margins_are_intact()) {
    return fmt::format("rank {}: {}: bytes outside a buffer", me_, call.str());
  }
  for (std::size_t i = 0; i < input && !shared(); ++i) {
    if (load(input_.data() + input_at_, i) == (given(me_, i) & mask)) continue;
    return fmt::format("rank {}: {}: input {} was changed", me_, call.str(), i);
  }
  return "";
}

void Exercise::expect_right() const {
  if (const std::string what = problem(); !what.empty()) throw std::runtime_error(what);
}

void exercise(Comm& comm, const Ask& ask, std::uint64_t seed) {
  Exercise call(ask, comm.rank(), comm.size(), seed);
  comm.run(ask, call.input(), call.output());
  call.expect_right();
}

}  // namespace motet::test
