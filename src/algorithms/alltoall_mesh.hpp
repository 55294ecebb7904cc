// Everybody sends each part straight to its owner, starting at different ranks so that nothing
// piles up. One round, the least traffic.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm alltoall_mesh{
    .name = "mesh",
    .collective = Collective::alltoall,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          // In place a part may only be overwritten once it has been sent: all sends come first,
          // and they must be buffered.
          const auto via = [&](const Slice& part) { return p.in_place ? Via{} : via_of(p, part); };
          const Shares from(b.input(), p.parts);
          const Shares into(b.output(), p.received_parts());
          for (int k = 1; k < world.size(); ++k) {
            b.send(world.at(me + k), from.at(me + k), via(from.at(me + k)));
          }
          b.copy(from.at(me), into.at(me));
          for (int k = 1; k < world.size(); ++k) {
            b.recv(world.at(me - k), into.at(me - k), via(into.at(me - k)));
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends each part straight to its owner"};

}  // namespace motet
