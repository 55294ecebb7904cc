// Halves of the sum go up two binary trees in chunks, whose first members send to the root: the
// two-tree broadcast the other way round. For large messages over networks. Keeps the order of the
// ranks when rank 0 is the root.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/two_trees.hpp"

namespace motet {

inline constexpr Algorithm reduce_two_tree{
    .name = "two_tree",
    .collective = Collective::reduce,
    .uses = {.chunks = true, .mover = true},
    .supports = [](const Problem& p) { return p.commutative || p.root == 0; },
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me).starting_at(p.root);
          const Slice into = accumulator(p, b);
          for (int chunk = 0; chunk < p.params.chunks; ++chunk) {
            two_tree_reduce(b, world, b.input().piece(chunk, p.params.chunks),
                            into.piece(chunk, p.params.chunks), {.mover = p.params.mover});
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, two_tree_rounds(p.world_size())); },
    .idea = "halves up two binary trees, inner ranks of one being leaves of the other"};

}  // namespace motet
