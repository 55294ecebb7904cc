// Rabenseifner: recursive halving reduce-scatter, then recursive doubling allgather. 2 log2 n
// rounds and the least traffic: for middle sizes over networks when n is a power of two; others
// are folded onto one, which costs two rounds of the whole vector (circulant does not).
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/fold.hpp"

namespace motet {

inline constexpr Algorithm allreduce_halving_doubling{
    .name = "halving_doubling",
    .collective = Collective::allreduce,
    .uses = {.mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          const Via via{.mover = p.params.mover};
          const Fold fold(world);
          Sum sum(b, b.input(), b.output());
          fold.gather(b, sum, via);
          if (!fold.passive()) {
            const Group core = fold.core();
            const Shares from = Shares::even(sum.now(), core.size());
            const Shares into = Shares::even(b.output(), core.size());
            const Slice mine = into.at(core.index());
            halving_reduce_scatter(b, core, {from, into, mine}, via);
            doubling_allgather(b, core, {mine, into}, via);
          }
          fold.spread(b, b.output(), via);
        },
    .rounds =
        [](const Problem& p) {
          return flat_rounds(p, 2 * (std::bit_width(static_cast<unsigned>(p.world_size())) - 1) +
                                    fold_rounds(p.world_size()));
        },
    .idea = "recursive halving reduce-scatter, recursive doubling allgather"};

}  // namespace motet
