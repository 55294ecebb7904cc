// Reduce-scatter and allgather on a circulant graph: 2 ceil(log2 n) rounds and the least traffic
// for every n. The choice for middle and large messages over a network when n is not a power of
// two, and never a bad one.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allreduce_circulant{
    .name = "circulant",
    .collective = Collective::allreduce,
    .uses = {.mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Via via{.mover = p.params.mover};
          const Shares all(b.output(), p.parts);
          const Slice mine = all.at(me);
          circulant_reduce_scatter(b, world, {Shares(b.input(), p.parts), all, mine}, via);
          circulant_allgather(b, world, {mine, all}, via);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2 * doublings(p.world_size())); },
    .idea = "reduce-scatter and allgather in ceil(log2 n) rounds each, any n"};

}  // namespace motet
