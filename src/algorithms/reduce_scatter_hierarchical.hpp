// Partial sums are made on the levels inside first, each rank for those with its place in other
// nodes, then completed across the outermost groups, on all rails at once: the allgather the other
// way round. In chunks, and a share around the tier below the outermost, as the allreduce. As many
// messages per chunk as ranks: for middle and large parts between nodes.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/hierarchy.hpp"

namespace motet {

void build_hierarchical_reduce_scatter(const Problem& problem, Rank me, ScheduleBuilder& b);

inline constexpr Algorithm reduce_scatter_hierarchical{
    .name = "hierarchical",
    .collective = Collective::reduce_scatter,
    .uses = {.chunks = true, .mover = true, .around = true, .topology = true},
    .supports = [](const Problem& p) { return p.commutative && supports_levels(p); },
    .build = build_hierarchical_reduce_scatter,
    .rounds = [](const Problem& p) { return rounds_on_levels(p, 1, doublings(outermost_size(p))); },
    .idea = "partial sums inside nodes, completed across them on every rail"};

}  // namespace motet
