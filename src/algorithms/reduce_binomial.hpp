// Sums go up a binomial tree. ceil(log2 n) rounds of the whole vector: for small messages over
// networks. Where the order of the ranks must be kept the tree stands on rank 0, who sends the
// result on.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_binomial{
    .name = "binomial",
    .collective = Collective::reduce,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Via via{.mover = p.params.mover};
          const Group tree = p.topology.world(me).starting_at(p.commutative ? p.root : 0);
          const bool leaf = tree.index() % 2 == 1;  // combines nothing
          Sum sum(b, b.input(), leaf ? b.output() : accumulator(p, b));
          binomial_reduce(b, tree, sum, via);
          if (tree.at(0) == p.root) {
            if (tree.first()) sum.settle();
          } else if (tree.first()) {
            b.send(p.root, sum.now(), via);
          } else if (me == p.root) {
            b.recv(tree.at(0), b.output(), via);
          }
        },
    .rounds =
        [](const Problem& p) {
          const bool sent_on = !p.commutative && p.root != 0;
          return flat_rounds(p, doublings(p.world_size()) + static_cast<int>(sent_on));
        },
    .idea = "sums go up a tree"};

}  // namespace motet
