// Reduce-scatter inside every node, each share's sum up two trees along its rail to the root's
// node, which gathers them at the root: all NICs of a node at work. With three tiers or more the
// same on each. In chunks, all tiers at work at once. For middle and large messages between nodes.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/hierarchy.hpp"
#include "algorithms/two_trees.hpp"

namespace motet {

void build_hierarchical_reduce(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm reduce_hierarchical{
    .name = "hierarchical",
    .collective = Collective::reduce,
    .uses = {.chunks = true, .mover = true, .around = true, .topology = true},
    .supports = [](const Problem& p) { return p.commutative && supports_levels(p); },
    .build = build_hierarchical_reduce,
    .rounds =
        [](const Problem& p) { return rounds_on_levels(p, 2, two_tree_rounds(outermost_size(p))); },
    .idea = "reduce-scatter inside nodes, up two trees on every rail, gathered at the root"};

}  // namespace motet
