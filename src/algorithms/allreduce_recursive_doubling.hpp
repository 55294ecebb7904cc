// In round k everybody exchanges the whole vector with the rank 2^k away; sums stay in the order
// of the ranks. log2 n rounds, each of the whole vector: for small messages over networks. Other
// world sizes than powers of two are folded onto one, two rounds more.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/fold.hpp"

namespace motet {

inline constexpr Algorithm allreduce_recursive_doubling{
    .name = "recursive_doubling",
    .collective = Collective::allreduce,
    .uses = {},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          // Never a rendezvous: both sides overwrite what they send.
          const Group world = p.topology.world(me);
          const Fold fold(world);
          Sum sum(b, b.input(), b.output());
          fold.gather(b, sum, {});
          if (!fold.passive()) {
            const Group core = fold.core();
            for (int distance = 1; distance < core.size(); distance *= 2) {
              const int partner = core.index() ^ distance;
              b.send(core.at(partner), sum.now());
              if (partner > core.index()) {
                sum.add(core.at(partner), {});
              } else {
                sum.add_in_front(core.at(partner), {});
              }
            }
            sum.settle();
          }
          fold.spread(b, b.output(), {});
        },
    .rounds =
        [](const Problem& p) {
          return flat_rounds(p, std::bit_width(static_cast<unsigned>(p.world_size())) - 1 +
                                    fold_rounds(p.world_size()));
        },
    .idea = "whole vectors exchanged with ranks 1, 2, 4, ... away"};

}  // namespace motet
