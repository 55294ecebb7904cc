// In round k everybody exchanges the whole vector with the rank 2^k away; sums stay in the order
// of the ranks. log2 n rounds, each of the whole vector: for small messages over networks. Other
// world sizes than powers of two are folded onto one, two rounds more.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/fold.hpp"

namespace motet {

inline constexpr Algorithm allreduce_recursive_doubling{
    .name = "recursive_doubling",
    .collective = Collective::allreduce,
    .uses = {},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          doubling_allreduce(b, p.topology.world(me), b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doubling_rounds(p.world_size())); },
    .idea = "whole vectors exchanged with ranks 1, 2, 4, ... away"};

}  // namespace motet
