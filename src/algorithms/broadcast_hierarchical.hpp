// The vector is scattered over the root's node, so that each of its NICs sends a share: down two
// trees along the rails; then every node gathers it. With three tiers or more the same on each. In
// chunks, all tiers at work at once. For middle and large messages between nodes.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/hierarchy.hpp"
#include "algorithms/two_trees.hpp"

namespace motet {

void build_hierarchical_broadcast(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm broadcast_hierarchical{
    .name = "hierarchical",
    .collective = Collective::broadcast,
    .uses = {.chunks = true, .mover = true, .around = true, .topology = true},
    .supports = supports_levels,
    .build = build_hierarchical_broadcast,
    .rounds =
        [](const Problem& p) { return rounds_on_levels(p, 2, two_tree_rounds(outermost_size(p))); },
    .idea = "scattered over the root's node, down two trees on every rail, gathered inside nodes"};

}  // namespace motet
