// Rabenseifner: circulant reduce-scatter, then a binomial gather. 2 ceil(log2 n) rounds, each rank
// handles the vector about twice: for middle and large messages.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_reduce_scatter_gather{
    .name = "reduce_scatter_gather",
    .collective = Collective::reduce,
    .uses = {.mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group tree = p.topology.world(me).starting_at(p.root);
          const Via via{.mover = p.params.mover};
          const Shares from = Shares::even(b.input(), tree.size());
          const Shares into = Shares::even(accumulator(p, b), tree.size());
          circulant_reduce_scatter(b, tree, {from, into, into.at(tree.index())}, via);
          binomial_gather(b, tree, into, via);
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 2 * doublings(p.world_size())); },
    .idea = "reduce-scatter, then gather up a tree"};

}  // namespace motet
