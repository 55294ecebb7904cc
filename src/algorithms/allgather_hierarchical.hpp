// Parts travel across the outermost groups first, each on its own rail, then are spread on the
// levels inside as they come: the slow links carry every part once per node, all rails and all
// tiers at work at once. In chunks, and a share around the tier below the outermost, as the
// allreduce. As many messages per chunk as ranks: for middle and large parts between nodes.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/hierarchy.hpp"

namespace motet {

void build_hierarchical_allgather(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm allgather_hierarchical{
    .name = "hierarchical",
    .collective = Collective::allgather,
    .uses = {.chunks = true, .mover = true, .around = true, .topology = true},
    .supports = supports_levels,
    .build = build_hierarchical_allgather,
    .rounds = [](const Problem& p) { return rounds_on_levels(p, 1, doublings(outermost_size(p))); },
    .idea = "parts across nodes on every rail, then spread inside"};

}  // namespace motet
