// Reduce-scatter and allgather, each in one round over all links. The least traffic that is
// possible; the choice for large messages inside a node and wherever all links exist.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allreduce_two_shot{
    .name = "two_shot",
    .collective = Collective::allreduce,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Via via{.mover = p.params.mover};
          const Order order = p.commutative ? Order::own_first : Order::by_rank;
          const Shares all(b.output(), p.parts);
          mesh_reduce_scatter(b, world, {Shares(b.input(), p.parts), all, all.at(me), order}, via);
          // A stream of its own: what is complete goes on while the rest is still on its way.
          mesh_allgather(b, world, {all.at(me), all}, {.channel = 1, .mover = via.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2); },
    .idea = "reduce-scatter and allgather by mesh: each rank sums one part"};

}  // namespace motet
