// The root feeds two binary trees of the others with half of the vector each, in chunks; whoever is
// inside one is a leaf of the other, so nobody sends more than the vector once. With m chunks
// log2 n + 1 + m rounds of S / 2 m in each tree: for large messages over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/two_trees.hpp"

namespace motet {

inline constexpr Algorithm broadcast_two_tree{
    .name = "two_tree",
    .collective = Collective::broadcast,
    .uses = {.chunks = true, .mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me).starting_at(p.root);
          const Slice data = world.first() ? b.input() : b.output();
          for (const Slice& chunk : data.chunks(p.params.chunks)) {
            two_tree_broadcast(b, world, chunk, {.mover = p.params.mover});
          }
          if (world.first()) b.copy(b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, two_tree_rounds(p.world_size())); },
    .idea = "halves down two binary trees, inner ranks of one being leaves of the other"};

}  // namespace motet
