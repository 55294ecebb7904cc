#include "schedule/slice.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace motet {
namespace {

// Where piece i begins when `count` is cut into pieces of `base`, the first `extra` one longer.
std::size_t even_offset(std::size_t i, std::size_t base, std::size_t extra) {
  return i * base + std::min(i, extra);
}

}  // namespace

Slice Slice::piece(int i, int k) const {
  MOTET_ASSERT(k > 0 && i >= 0 && i < k, "piece i of k");
  const auto index = static_cast<std::size_t>(i);
  const std::size_t base = count / static_cast<std::size_t>(k);
  const std::size_t extra = count % static_cast<std::size_t>(k);
  return sub(even_offset(index, base, extra), base + (index < extra ? 1 : 0));
}

std::vector<Slice> Slice::chunks(int k) const {
  std::vector<Slice> pieces;
  pieces.reserve(static_cast<std::size_t>(k));
  for (int i = 0; i < k; ++i) pieces.push_back(piece(i, k));
  return pieces;
}

Parts Parts::even(std::size_t count, int n) {
  MOTET_ASSERT(n > 0, "a buffer has at least one part");
  Parts parts;
  parts.n_ = n;
  parts.base_ = count / static_cast<std::size_t>(n);
  parts.extra_ = count % static_cast<std::size_t>(n);
  return parts;
}

Parts Parts::uniform(std::size_t count, int n) {
  return even(count * static_cast<std::size_t>(n), n);
}

Parts Parts::each(std::span<const std::size_t> counts) {
  MOTET_ASSERT(!counts.empty(), "a buffer has at least one part");
  const auto n = static_cast<int>(counts.size());
  const auto is_other = [&](std::size_t count) { return count != counts.front(); };
  if (std::ranges::none_of(counts, is_other)) return uniform(counts.front(), n);
  Parts parts;
  parts.n_ = n;
  parts.offsets_.reserve(counts.size() + 1);
  parts.offsets_.push_back(0);
  for (const std::size_t count : counts) parts.offsets_.push_back(parts.offsets_.back() + count);
  return parts;
}

std::size_t Parts::offset(int i) const {
  MOTET_ASSERT(i >= 0 && i < n_, "part i of n");
  const auto index = static_cast<std::size_t>(i);
  return offsets_.empty() ? even_offset(index, base_, extra_) : offsets_[index];
}

std::size_t Parts::count(int i) const {
  return offset_end(i + 1) - offset(i);
}

std::size_t Parts::total() const {
  return offsets_.empty() ? base_ * static_cast<std::size_t>(n_) + extra_ : offsets_.back();
}

}  // namespace motet
