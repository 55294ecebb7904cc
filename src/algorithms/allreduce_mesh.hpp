// One-shot: everybody sends the whole vector to everybody and sums in the order of the ranks, so
// that all get the same bits. One round and n times the work: for small messages between ranks
// that have a core each, and for tiny ones anyway.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm allreduce_mesh{
    .name = "mesh",
    .collective = Collective::allreduce,
    .uses = {},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Group world = p.topology.world(me);
          // Never a rendezvous: in place all would wait for one another to have read.
          send_to_all(b, world, b.input(), {});
          combine_all(b, world, {b.input(), b.output(), Order::by_rank}, {});
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "everyone sends its vector to all and sums in rank order"};

}  // namespace motet
