// Rank 0 sums in the order of the ranks and sends the result to all. Two rounds and the least
// total work: the right choice for small messages when ranks share cores.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allreduce_star{
    .name = "star",
    .collective = Collective::allreduce,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Via via{.mover = p.params.mover};
          if (world.first()) {
            combine_all(b, world, {b.input(), b.output(), Order::by_rank}, via);
            send_to_all(b, world, b.output(), via);
          } else {
            b.send(0, b.input(), via);
            b.recv(0, b.output(), via);
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2); },
    .idea = "rank 0 sums in rank order and sends the result to all"};

}  // namespace motet
