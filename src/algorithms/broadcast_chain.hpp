// The root's data hops from neighbour to neighbour in chunks, so that hops overlap. n - 2 + chunks
// rounds of a chunk each: for large messages on a line.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm broadcast_chain{
    .name = "chain",
    .collective = Collective::broadcast,
    .uses = {.chunks = true, .channels = true, .mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group line = p.topology.world(me).starting_at(p.root);
          const Slice data = line.first() ? b.input() : b.output();
          for (const Slice& chunk : data.chunks(p.params.chunks)) {
            for (int channel = 0; channel < p.params.channels; ++channel) {
              const Via via{static_cast<Channel>(channel), p.params.mover};
              const Slice strand = chunk.piece(channel, p.params.channels);
              if (!line.first()) b.recv(line.left(), strand, via);
              if (!line.last()) b.send(line.right(), strand, via);
            }
          }
          if (line.first()) b.copy(b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, p.world_size() - 1); },
    .idea = "from neighbour to neighbour, in chunks"};

}  // namespace motet
