// ceil(log2 n) rounds and the least traffic for every n: the choice over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm reduce_scatter_circulant{
    .name = "circulant",
    .collective = Collective::reduce_scatter,
    .uses = {.mover = true},
    .supports = commutative,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares from(b.input(), p.parts);
          const Shares into(accumulator(p, b), p.parts);
          circulant_reduce_scatter(b, p.topology.world(me), {from, into, b.output()},
                                   {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "partial sums in ceil(log2 n) rounds, any n"};

}  // namespace motet
