// Parts go round a ring. n - 1 rounds between neighbours: for large parts where neighbours have
// the best links.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allgather_ring{
    .name = "ring",
    .collective = Collective::allgather,
    .uses = {.chunks = true, .channels = true, .mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares all(b.output(), p.parts);
          ring_allgather(b, p.topology.world(me), {b.input(), all}, p.params);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, p.world_size() - 1); },
    .idea = "parts go round between neighbours"};

}  // namespace motet
