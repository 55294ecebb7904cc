// In round k everybody signals the rank 2^k on. ceil(log2 n) rounds; the signals are one element,
// which a message must have.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm barrier_dissemination{
    .name = "dissemination",
    .collective = Collective::barrier,
    .uses = {},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Slice signal =
              b.scratch(1);  // its value never matters; sharing it puts the rounds in order
          for (int distance = 1; distance < world.size(); distance *= 2) {
            b.send(world.at(me + distance), signal);
            b.recv(world.at(me - distance), signal);
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "signals to ranks 1, 2, 4, ... on"};

}  // namespace motet
