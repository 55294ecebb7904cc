#include "pattern.hpp"

#include <algorithm>
#include <cstring>

namespace motet_limits {
namespace {

constexpr std::size_t tile_floats = 4099;

float value(int rank, int round, std::size_t at) {
  constexpr std::size_t below = 1000;
  const std::size_t mixed = 7 * at + 131 * static_cast<std::size_t>(rank) +
                            17 * static_cast<std::size_t>(round) + at * at / 3;
  return static_cast<float>(mixed % below + 1);
}

// Calls act(first float of the tile, position, count) for pieces that lie within one tile.
template <class Act>
void in_pieces(std::size_t start, std::size_t count, Act&& act) {
  for (std::size_t done = 0; done < count;) {
    const std::size_t at = (start + done) % tile_floats;
    const std::size_t piece = std::min(tile_floats - at, count - done);
    act(at, done, piece);
    done += piece;
  }
}

}  // namespace

Pattern::Pattern(int round) : sum_(tile_floats) {
  for (int rank = 0; rank < 2; ++rank) {
    Tile& tile = ranks_[static_cast<std::size_t>(rank)];
    tile.resize(tile_floats);
    for (std::size_t i = 0; i < tile_floats; ++i) tile[i] = value(rank, round, i);
  }
  std::ranges::transform(ranks_[0], ranks_[1], sum_.begin(), std::plus<>());
}

void Pattern::fill_input(const Cell& cell, int rank, float* in) const {
  const Tile& tile = ranks_[static_cast<std::size_t>(rank)];
  in_pieces(0, input_count(cell, rank), [&](std::size_t at, std::size_t done, std::size_t piece) {
    std::memcpy(in + done, &tile[at], piece * sizeof(float));
  });
}

void Pattern::spoil_output(const Cell& cell, float* out) {
  std::fill_n(out, output_count(cell), -1.0F);
}

bool Pattern::matches(const Tile& tile, std::size_t start, const float* floats,
                      std::size_t count) const {
  bool equal = true;
  in_pieces(start, count, [&](std::size_t at, std::size_t done, std::size_t piece) {
    equal = equal && std::memcmp(&tile[at], floats + done, piece * sizeof(float)) == 0;
  });
  return equal;
}

bool Pattern::is_right(const Cell& cell, int rank, const float* out) const {
  const std::size_t count = cell.count;
  const std::size_t own = rank == 0 ? 0 : count;
  switch (cell.collective) {
    case Collective::allreduce:
      return matches(sum_, 0, out, count);
    case Collective::reduce_scatter:
      return matches(sum_, own, out, count);
    case Collective::allgather:
      return matches(ranks_[0], 0, out, count) && matches(ranks_[1], 0, out + count, count);
    case Collective::alltoall:
      return matches(ranks_[0], own, out, count) && matches(ranks_[1], own, out + count, count);
    case Collective::broadcast:
      return matches(ranks_[0], 0, out, count);
    case Collective::barrier:
      return true;
  }
  return false;
}

}  // namespace motet_limits
