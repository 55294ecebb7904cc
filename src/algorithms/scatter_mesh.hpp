// The root sends everybody its part. One round.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm scatter_mesh{
    .name = "mesh",
    .collective = Collective::scatter,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          if (me != p.root) return b.recv(p.root, b.output(), via_of(p, b.output()));
          const Group world = p.topology.world(me);
          const Shares all(b.input(), p.parts);
          for (int k = 1; k < world.size(); ++k) {
            b.send(world.at(me + k), all.at(me + k), via_of(p, all.at(me + k)));
          }
          b.copy(all.at(me), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "the root sends everyone its part"};

}  // namespace motet
