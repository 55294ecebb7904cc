// The root sends the vector to everybody, published once for all. One round: the choice inside a
// node.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm broadcast_mesh{
    .name = "mesh",
    .collective = Collective::broadcast,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Via via{.mover = p.params.mover};
          if (me != p.root) return b.recv(p.root, b.output(), via);
          send_to_all(b, p.topology.world(me), b.input(), via);
          b.copy(b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "the root sends to all at once"};

}  // namespace motet
