// Whoever has the vector passes it on. ceil(log2 n) rounds of the whole vector: for small messages
// over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"

namespace motet {

inline constexpr Algorithm broadcast_binomial{
    .name = "binomial",
    .collective = Collective::broadcast,
    .uses = {.mover = true},
    .supports = any_problem,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const bool root = me == p.root;
          const Group tree = p.topology.world(me).starting_at(p.root);
          binomial_broadcast(b, tree, root ? b.input() : b.output(), {.mover = p.params.mover});
          if (root) b.copy(b.input(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "whoever has the vector passes it on"};

}  // namespace motet
