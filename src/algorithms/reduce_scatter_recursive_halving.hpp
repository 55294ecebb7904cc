// Half of what a rank still works on goes to its partner each round. log2 n rounds: for networks,
// n a power of two.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_scatter_recursive_halving{
    .name = "recursive_halving",
    .collective = Collective::reduce_scatter,
    .uses = {.mover = true},
    .supports = [](const Problem& p) { return p.commutative && power_of_two(p); },
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares from(b.input(), p.parts);
          const Shares into(accumulator(p, b), p.parts);
          halving_reduce_scatter(b, p.topology.world(me), {from, into, b.output()},
                                 {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "halves exchanged with ranks n/2, n/4, ... away"};

}  // namespace motet
