// Spanning trees that carry an allgather as fast as a fabric can: from every rank the same number,
// such that no link has more to carry than it can in that time. Reversed they carry a
// reduce-scatter. ForestColl (Zhao et al., arXiv 2402.06787): the optimum by maximum flows,
// switches split off, trees packed.
#pragma once

#include <vector>

#include "base/units.hpp"
#include "topology/fabric.hpp"

namespace motet {

// Carries pieces [first_piece, first_piece + pieces) of what its root has.
struct Tree {
  Rank root = 0;
  int first_piece = 0;
  int pieces = 1;
  std::vector<Rank> order;   // root first, each rank after its parent
  std::vector<Rank> parent;  // by rank; the root's is -1
  std::vector<int> depth;    // by rank; the root's is 0
};

struct Forest {
  int pieces = 1;  // in which each rank's part is cut
  std::vector<Tree> trees;
  int height = 0;
  // S / time of an allgather of S bytes along the fabric's routes, when latency does not matter.
  Bandwidth algbw{};
};

// `trees_per_rank` 0: as many as the exact optimum takes, often tens (64 where that would be more
// than 4,096); otherwise so many, for some percent less than the optimum. Deterministic. Throws
// Error{invalid_argument} where links lack or there are more than most_forest_ranks. Takes about
// n^3 maximum flows at worst: exact for up to 64 ranks, few trees for up to 128.
inline constexpr int most_forest_ranks = 128;
Forest pack_forest(const Fabric& fabric, int trees_per_rank = 0);

}  // namespace motet
