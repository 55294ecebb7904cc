// ceil(log2 n) rounds and the least traffic for every n: the choice over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allgather_circulant{
    .name = "circulant",
    .collective = Collective::allgather,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares all(b.output(), p.parts);
          circulant_allgather(b, p.topology.world(me), {b.input(), all}, {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "all parts in ceil(log2 n) rounds, any n"};

}  // namespace motet
