// Reduce-scatter in the inner tiers, allreduce between the outermost groups for the share that is
// left, allgather back: the slow links carry 1/k of the vector for k ranks in a group, on all rails
// at once. Any number of tiers, all at work at once: chunks follow one another, and a share of the
// data can go around the tier below the outermost (hierarchy.hpp). With m chunks that take t_i on
// tier i: (m - 1) max t_i + 2 sum t_i, where t_i = f(p_i) a_i + (p_i - 1) / p_i S / (m p_1 ...
// p_i-1) b_i, f = log2 on the outermost tier and 1 inside. The choice for middle and large
// messages between nodes.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

void build_hierarchical_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b);
bool supports_hierarchical_allreduce(const Problem& problem);
Rounds hierarchical_allreduce_rounds(const Problem& problem);

inline constexpr Algorithm allreduce_hierarchical{
    .name = "hierarchical",
    .collective = Collective::allreduce,
    .uses = {.chunks = true, .mover = true, .around = true, .topology = true},
    .supports = supports_hierarchical_allreduce,
    .build = build_hierarchical_allreduce,
    .rounds = hierarchical_allreduce_rounds,
    .idea = "reduce-scatter inside nodes, allreduce between them, allgather inside"};

}  // namespace motet
