// Reduce-scatter and allgather round a ring. 2 (n - 1) rounds and the least traffic, all of it
// between neighbours: for large messages of few ranks whose neighbours have the best links.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allreduce_ring{
    .name = "ring",
    .collective = Collective::allreduce,
    .uses = {.chunks = true, .channels = true, .mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Shares all(b.output(), p.parts);
          const Slice mine = all.at(me);
          ring_reduce_scatter(b, world, {Shares(b.input(), p.parts), all, mine}, p.params);
          ring_allgather(b, world, {mine, all}, p.params);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2 * (p.world_size() - 1)); },
    .idea = "reduce-scatter and allgather between neighbours"};

}  // namespace motet
