// The first rank of each node sums up what the node has, exchanges sums with the other nodes' first
// ranks by recursive doubling, and gives its node the result. The fewest rounds and messages
// between nodes: for small vectors.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/fold.hpp"

namespace motet {

void build_leaders_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm allreduce_leaders{
    .name = "leaders",
    .collective = Collective::allreduce,
    .uses = {.mover = true, .topology = true},
    .supports = [](const Problem& p) { return commutative(p) && has_leaders(p); },
    .build = build_leaders_allreduce,
    .rounds =
        [](const Problem& p) {
          return Rounds{2, doubling_rounds(p.topology.node_count())};
        },
    .idea = "a rank of each node sums up, exchanges sums and spreads the result"};

}  // namespace motet
