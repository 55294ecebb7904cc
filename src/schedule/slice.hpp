// A run of elements in one of the three buffers of a call. Never bytes: a schedule does not know
// the type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace motet {

enum class Buffer : std::uint8_t { input, output, scratch };

struct Slice {
  Buffer buffer = Buffer::input;
  std::size_t offset = 0;
  std::size_t count = 0;

  bool empty() const { return count == 0; }
  std::size_t end() const { return offset + count; }
  bool overlaps(const Slice& other) const {
    return buffer == other.buffer && !empty() && !other.empty() && offset < other.end() &&
           other.offset < end();
  }
  // Elements [from, from + length) of this slice.
  Slice sub(std::size_t from, std::size_t length) const { return {buffer, offset + from, length}; }
  // Piece i of k: sizes differ by at most one, larger ones first; pieces may be empty.
  Slice piece(int i, int k) const;
  // The k pieces.
  std::vector<Slice> chunks(int k) const;

  bool operator==(const Slice&) const = default;
};

// How a buffer is divided among ranks: offset and count of rank i's part, in elements.
class Parts {
 public:
  // `count` elements in n parts whose sizes differ by at most one, larger ones first.
  static Parts even(std::size_t count, int n);
  // n parts of `count` elements each.
  static Parts uniform(std::size_t count, int n);
  // One entry per rank, one after the other. Equal ones make a uniform division.
  static Parts each(std::span<const std::size_t> counts);

  int size() const { return n_; }
  std::size_t count(int i) const;
  std::size_t offset(int i) const;
  std::size_t total() const;
  // The parts [first, first + length) as one run; no wrapping around.
  std::size_t count(int first, int length) const {
    return offset_end(first + length) - offset(first);
  }

  bool operator==(const Parts&) const = default;

 private:
  std::size_t offset_end(int i) const { return i == n_ ? total() : offset(i); }

  int n_ = 0;
  std::size_t base_ = 0;              // even: count of the smaller parts
  std::size_t extra_ = 0;             // even: how many parts have one more
  std::vector<std::size_t> offsets_;  // each: n + 1 prefix sums; else empty
};

}  // namespace motet
