// Parts go to the rank of their sender's node that has their receiver's place, then along the rail.
// Between K nodes of g ranks each rank sends K - 1 messages of g parts instead of (K - 1) g of one,
// and no rail carries another's traffic. For many nodes, unless parts are large and rails joined.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

bool supports_two_level_alltoall(const Problem& problem);
void build_two_level_alltoall(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm alltoall_two_level{
    .name = "two_level",
    .collective = Collective::alltoall,
    .uses = {.mover = true, .topology = true},
    .supports = supports_two_level_alltoall,
    .build = build_two_level_alltoall,
    .rounds =
        [](const Problem&) {
          return Rounds{1, 1};
        },
    .idea = "within the node to the receiver's rail, then along the rail"};

}  // namespace motet
