// Everybody sends each part to its owner, who sums. One round: the choice inside a node, and the
// only one that keeps the order of the ranks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_scatter_mesh{
    .name = "mesh",
    .collective = Collective::reduce_scatter,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Order order = p.commutative ? Order::own_first : Order::by_rank;
          const Shares from(b.input(), p.parts);
          mesh_reduce_scatter(b, p.topology.world(me), {from, from, b.output(), order},
                              {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends each part to its owner, who sums"};

}  // namespace motet
