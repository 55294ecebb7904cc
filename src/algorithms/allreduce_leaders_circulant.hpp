// As leaders, but their sums are exchanged by reduce-scatter and allgather: more rounds, and less
// traffic. For middle vectors where a NIC is slow, and larger ones where nodes differ in size.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

void build_leaders_circulant_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm allreduce_leaders_circulant{
    .name = "leaders_circulant",
    .collective = Collective::allreduce,
    .uses = {.mover = true, .topology = true},
    .supports = [](const Problem& p) { return commutative(p) && has_leaders(p); },
    .build = build_leaders_circulant_allreduce,
    .rounds =
        [](const Problem& p) {
          return Rounds{2, 2 * doublings(p.topology.node_count())};
        },
    .idea = "a rank of each node sums up, exchanges parts of sums and spreads the result"};

}  // namespace motet
