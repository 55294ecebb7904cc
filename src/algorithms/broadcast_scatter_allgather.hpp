// van de Geijn: shares down a binomial tree, then a circulant allgather. 2 ceil(log2 n) rounds,
// each link carries the vector about twice: for middle and large messages over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm broadcast_scatter_allgather{
    .name = "scatter_allgather",
    .collective = Collective::broadcast,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const bool root = me == p.root;
          const Group tree = p.topology.world(me).starting_at(p.root);
          const Via via{.mover = p.params.mover};
          const Shares all = Shares::even(root ? b.input() : b.output(), tree.size());
          binomial_scatter(b, tree, all, via);
          circulant_allgather(b, tree, {.mine = all.at(tree.index()), .all = all, .complete = 0},
                              via);
          if (root) b.copy(b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2 * doublings(p.world_size())); },
    .idea = "shares down a tree, then an allgather"};

}  // namespace motet
