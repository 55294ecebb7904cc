// Dissemination on every level in turn: whoever has heard from its whole node speaks for it on its
// rail, so nothing need come back. About log2 n rounds, of which those inside a node stay there.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/hierarchy.hpp"

namespace motet {

inline constexpr Algorithm barrier_hierarchical{
    .name = "hierarchical",
    .collective = Collective::barrier,
    .uses = {.topology = true},
    .supports = supports_levels,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Slice signal = b.scratch(1);
          for (const Group& level : levels(p.topology, me)) disseminate(b, level, signal);
        },
    .rounds =
        [](const Problem& p) {
          Rounds rounds;
          for (const Group& level : levels(p.topology, 0))
            add_rounds(p, level, doublings(level.size()), rounds);
          return rounds;
        },
    .idea = "signals inside nodes, then on every rail"};

}  // namespace motet
