// Rabenseifner: circulant reduce-scatter, then a binomial gather. 2 ceil(log2 n) rounds, each rank
// handles the vector about twice: for middle and large messages. Where the order of the ranks must
// be kept, both by mesh in one round each: everybody sums one part and sends it to the root.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline void ordered_reduce_scatter_gather(const Problem& p, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = p.params.mover};
  const Group world = p.topology.world(me);
  const Shares from = Shares::even(b.input(), world.size());
  const std::size_t count = from.at(me).count;
  const Shares into = Shares::even(b.output(), world.size());
  const Slice mine = me == p.root ? into.at(me) : b.scratch(count);
  mesh_reduce_scatter(b, world, {from, from, mine, Order::by_rank}, via);
  if (me != p.root) return b.send(p.root, mine, via);
  for (int k = 1; k < world.size(); ++k) b.recv(world.at(me - k), into.at(me - k), via);
}

inline constexpr Algorithm reduce_reduce_scatter_gather{
    .name = "reduce_scatter_gather",
    .collective = Collective::reduce,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          if (!p.commutative) return ordered_reduce_scatter_gather(p, me, b);
          const Group tree = p.topology.world(me).starting_at(p.root);
          const Via via{.mover = p.params.mover};
          const Shares from = Shares::even(b.input(), tree.size());
          const Shares into = Shares::even(accumulator(p, b), tree.size());
          circulant_reduce_scatter(b, tree, {from, into, into.at(tree.index())}, via);
          binomial_gather(b, tree, into, via);
        },
    .rounds =
        [](const Problem& p) {
          return flat_rounds(p, p.commutative ? 2 * doublings(p.world_size()) : 2);
        },
    .idea = "reduce-scatter, then gather up a tree"};

}  // namespace motet
