// Parts go up a binomial tree, those of a subtree in one message. ceil(log2 n) rounds: for small
// messages over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"
#include "algorithms/subtree.hpp"

namespace motet {

inline constexpr Algorithm gather_binomial{
    .name = "binomial",
    .collective = Collective::gather,
    .uses = {.mover = true},
    .supports = lengths_known_to_all,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Subtree mine(p, me, b, b.input(), b.output());
          const Via via{.mover = p.params.mover};
          b.copy(b.input(), mine.own());
          for (const Subtree::Child& child : mine.children()) {
            for (const Slice& run : child.parts) b.recv(child.rank, run, via);
          }
          for (const Slice& run : mine.all()) {
            if (me != p.root) b.send(mine.parent(), run, via);
          }
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "parts go up a tree"};

}  // namespace motet
