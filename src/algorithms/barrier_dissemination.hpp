// In round k everybody signals the rank 2^k on. ceil(log2 n) rounds.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm barrier_dissemination{
    .name = "dissemination",
    .collective = Collective::barrier,
    .uses = {},
    .supports = any_problem,
    .build = [](const Problem& p, Rank me,
                ScheduleBuilder& b) { disseminate(b, p.topology.world(me), b.scratch(1)); },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "signals to ranks 1, 2, 4, ... on"};

}  // namespace motet
