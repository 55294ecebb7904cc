// In round k ranks a and b with a + b = k (modulo n) exchange their parts: n - 1 rounds that each
// rank spends with one other, so nothing piles up anywhere. What is sent waits in one of two
// places, and a message starts only when the one before the last has gone. For large messages of
// many ranks over networks; costs a copy that the mesh does not need. Works in place.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

void build_pairwise_alltoall(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm alltoall_pairwise{
    .name = "pairwise",
    .collective = Collective::alltoall,
    .uses = {.mover = true},
    .supports = any_problem,
    .build = build_pairwise_alltoall,
    .rounds = [](const Problem& p) { return flat_rounds(p, p.world_size() - 1); },
    .idea = "parts exchanged with one rank after the other"};

}  // namespace motet
