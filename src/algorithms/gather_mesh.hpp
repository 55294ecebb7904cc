// Everybody sends its part to the root. One round.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm gather_mesh{
    .name = "mesh",
    .collective = Collective::gather,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          if (me != p.root) return b.send(p.root, b.input(), via_of(p, b.input()));
          const Group world = p.topology.world(me);
          const Shares all(b.output(), p.parts);
          b.copy(b.input(), all.at(me));
          for (int k = 1; k < world.size(); ++k)
            b.recv(world.at(me + k), all.at(me + k), via_of(p, all.at(me + k)));
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends its part to the root"};

}  // namespace motet
