// Partial sums go round a ring. n - 1 rounds between neighbours: for large parts where neighbours
// have the best links.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_scatter_ring{
    .name = "ring",
    .collective = Collective::reduce_scatter,
    .uses = {.chunks = true, .channels = true, .mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares from(b.input(), p.parts);
          const Shares into(accumulator(p, b), p.parts);
          ring_reduce_scatter(b, p.topology.world(me), {from, into, b.output()}, p.params);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, p.world_size() - 1); },
    .idea = "partial sums go round between neighbours"};

}  // namespace motet
