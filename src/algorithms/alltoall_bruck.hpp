// Parts hop 1, 2, 4, ... ranks on, each where its distance has that bit, many in one message.
// ceil(log2 n) rounds, each carries half of the vector: for small messages of many ranks. J. Bruck
// et al., "Efficient algorithms for all-to-all communications in multiport message-passing
// systems", 1997.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

void build_bruck_alltoall(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm alltoall_bruck{
    .name = "bruck",
    .collective = Collective::alltoall,
    .uses = {.mover = true},
    .supports = equal_parts,
    .build = build_bruck_alltoall,
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "parts hop 1, 2, 4, ... ranks on, many in one message"};

}  // namespace motet
