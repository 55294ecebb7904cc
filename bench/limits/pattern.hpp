// What ranks put in and must get out: whole numbers, so that sums are exact, in a tile of a prime
// number of floats, so that no two blocks or parts look alike.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "cell.hpp"

namespace motet_limits {

class Pattern {
 public:
  // Another `round` has other numbers.
  explicit Pattern(int round);

  void fill_input(const Cell& cell, int rank, float* in) const;
  // An output that nobody has written yet.
  static void spoil_output(const Cell& cell, float* out);
  bool is_right(const Cell& cell, int rank, const float* out) const;

 private:
  using Tile = std::vector<float>;

  bool matches(const Tile& tile, std::size_t start, const float* floats, std::size_t count) const;

  std::array<Tile, 2> ranks_;
  Tile sum_;
};

}  // namespace motet_limits
