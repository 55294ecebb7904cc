// What the algorithms that follow spanning trees packed for a fabric share
// (topology/flow/forest.hpp): each rank's part is cut in pieces, one for each tree that the rank is
// the root of. In chunks, that follow one another down (or up) all trees at once: chunk c is at
// depth d in wave c + d. Above most_forest_ranks, where nodes are alike, trees join the ranks of a
// node, and those with the same place on their nodes exchange what they have, or their sums.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

// Whether the fabric is known and joins these very ranks, few enough or on equal nodes.
bool supports_forest(const Problem& problem);
// How many ranks one forest joins: all, or those of a node.
int forest_ranks(const Problem& problem);
Rounds forest_rounds(const Problem& problem);

void build_forest_allgather(const Problem& problem, Rank me, ScheduleBuilder& b);
void build_forest_reduce_scatter(const Problem& problem, Rank me, ScheduleBuilder& b);
void build_forest_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b);

}  // namespace motet
