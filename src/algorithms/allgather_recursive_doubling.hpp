// What a rank holds doubles each round. log2 n rounds: for small parts over networks, n a power of
// two.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allgather_recursive_doubling{
    .name = "recursive_doubling",
    .collective = Collective::allgather,
    .uses = {.mover = true},
    .supports = power_of_two,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Shares all(b.output(), p.parts);
          doubling_allgather(b, p.topology.world(me), {b.input(), all}, {.mover = p.params.mover});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "runs of parts exchanged with ranks 1, 2, 4, ... away"};

}  // namespace motet
