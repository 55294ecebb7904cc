// Halves of the vector go up and down two binary trees in chunks; whoever is inside one is a leaf
// of the other. With m chunks 2 (log2 n + 1 + m) rounds of S / 2 m in each tree: few rounds at full
// bandwidth, for middle and large messages of hundreds of ranks. Keeps the order of operands.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/two_trees.hpp"

namespace motet {

inline constexpr Algorithm allreduce_two_tree{
    .name = "two_tree",
    .collective = Collective::allreduce,
    .uses = {.chunks = true, .mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          for (int step = 0; step < 2 * p.params.chunks; ++step) {
            const int tree = step % 2;
            const auto part = [&](Slice whole) {
              return whole.piece(tree, 2).piece(step / 2, p.params.chunks);
            };
            const TreeVia via = TreeVia::of(tree, {.mover = p.params.mover});
            const Slice into = part(b.output());
            Sum sum(b, part(b.input()), into);
            tree_reduce(b, world, tree, sum, via.up);
            if (TreePlace::of(tree, me, world.size()).parent < 0) sum.settle();
            tree_broadcast(b, world, tree, into, via.down);
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2 * two_tree_height(p.world_size())); },
    .idea = "halves up and down two binary trees, inner ranks of one being leaves of the other"};

}  // namespace motet
