// Everybody sends its part to all, published once. One round: the choice inside a node.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allgather_mesh{
    .name = "mesh",
    .collective = Collective::allgather,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares all(b.output(), p.parts);
          mesh_allgather(b, p.topology.world(me), {b.input(), all}, {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends its part to all"};

}  // namespace motet
