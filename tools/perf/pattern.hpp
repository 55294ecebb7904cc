// What ranks put in and must get out. Every rank has a tile of a prime number of elements that
// repeats through its buffer, so no two blocks, parts or ranks look alike, and filling and checking
// run at the speed of memory. Values are such that every order of combination gives exactly the
// same bits, in every type.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "vocabulary.hpp"

namespace motet_perf {

// `source` is a rank, or combined: what all ranks' elements make.
struct Segment {
  static constexpr int combined = -1;

  int source;
  std::size_t start;  // position in the source's endless stream of elements
  std::size_t count;

  friend bool operator==(const Segment&, const Segment&) = default;
};

struct Shape {
  CollectiveRow row;
  std::size_t count;  // as motet.h counts; of v-forms: the mean of all parts
  int ranks, root;
  int skew_percent = 0;  // of v-forms
};

// Rank r's part: `count` elements, or in a v-form from (100 - skew) % of that at rank 0 to (100 +
// skew) % at the last, which come to as many in all. Of an alltoallv, what every rank sends there.
std::size_t part_count(const Shape& shape, int rank);
std::size_t part_offset(const Shape& shape, int rank);
std::vector<std::size_t> part_counts(const Shape& shape);

// What `rank` puts in: elements from the start of its own stream. 0 where it puts in nothing.
std::size_t input_count(const Shape& shape, int rank);
// What it gets, in the order of its output buffer. Empty where it gets nothing.
std::vector<Segment> output_segments(const Shape& shape, int rank);
std::size_t output_count(const Shape& shape, int rank);

// What every rank's elements are multiplied by where they are before they are summed.
inline constexpr double premultiplied_by = 0.5;

// Where the buffers begin, in elements, in a block of memory that serves both.
struct Placement {
  std::size_t input, output;
};
Placement in_place(const Shape& shape, int rank);

class Pattern {
 public:
  static constexpr std::size_t tile_count = 4099;  // a prime

  // `combines`: make the combined stream for `op`, which must be defined for the type.
  Pattern(const TypeRow& type, const OpRow& op, int ranks, bool combines);

  // Writes a segment to `memory`, which is as long as the segment.
  void fill(const Segment& segment, std::byte* memory) const;
  // How many elements there differ from it.
  std::size_t count_wrong(const Segment& segment, const std::byte* memory) const;

 private:
  std::span<const std::byte> tile(int source) const;

  std::size_t element_bytes_;
  std::size_t tile_bytes_;
  std::vector<std::byte> tiles_;  // combined first, then rank by rank
};

}  // namespace motet_perf
