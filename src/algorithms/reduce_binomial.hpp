// Sums go up a binomial tree. ceil(log2 n) rounds of the whole vector: for small messages over
// networks. Keeps the order of the ranks when rank 0 is the root.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_binomial{
    .name = "binomial",
    .collective = Collective::reduce,
    .uses = {.mover = true},
    .supports = [](const Problem& p) { return p.commutative || p.root == 0; },
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group tree = p.topology.world(me).starting_at(p.root);
          const bool leaf = tree.index() % 2 == 1;  // combines nothing
          Sum sum(b, b.input(), leaf ? b.output() : accumulator(p, b));
          binomial_reduce(b, tree, sum, {.mover = p.params.mover});
          if (tree.first()) sum.settle();
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "sums go up a tree"};

}  // namespace motet
