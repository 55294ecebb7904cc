// Everybody sends to the root, which sums in the order of the ranks. One round: for small
// messages, and wherever the order matters.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_star{
    .name = "star",
    .collective = Collective::reduce,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Via via{.mover = p.params.mover};
          if (me != p.root) return b.send(p.root, b.input(), via);
          const Group world = p.topology.world(me);
          combine_all(b, world, {b.input(), b.output(), Order::by_rank}, via);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends to the root, which sums in rank order"};

}  // namespace motet
