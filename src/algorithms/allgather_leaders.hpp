// The first rank of each node collects the node's parts, exchanges them with the other nodes' first
// ranks, and gives everything to its node. Where the ranks of nodes follow one another, few
// messages pass between nodes, and slow links carry few headers: for small parts.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

void build_leaders_allgather(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm allgather_leaders{
    .name = "leaders",
    .collective = Collective::allgather,
    .uses = {.mover = true, .topology = true},
    .supports = has_leaders,
    .build = build_leaders_allgather,
    .rounds =
        [](const Problem& p) {
          return Rounds{2, doublings(p.topology.node_count())};
        },
    .idea = "a rank of each node collects its parts, exchanges them and spreads all"};

}  // namespace motet
