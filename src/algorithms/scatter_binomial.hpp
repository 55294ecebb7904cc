// Parts go down a binomial tree, those of a subtree in one message. ceil(log2 n) rounds: for small
// messages over networks.
#pragma once

#include "algorithms/algorithm.hpp"
#include "algorithms/parts.hpp"
#include "algorithms/subtree.hpp"

namespace motet {

inline constexpr Algorithm scatter_binomial{
    .name = "binomial",
    .collective = Collective::scatter,
    .uses = {.mover = true},
    .supports = lengths_known_to_all,
    .build =
        [](const Problem& p, Rank me, ScheduleBuilder& b) {
          const Subtree mine(p, me, b, b.output(), b.input());
          const Via via{.mover = p.params.mover};
          for (const Slice& run : mine.all()) {
            if (me != p.root) b.recv(mine.parent(), run, via);
          }
          const auto& children = mine.children();
          for (auto child = children.rbegin(); child != children.rend(); ++child) {
            for (const Slice& run : child->parts) b.send(child->rank, run, via);
          }
          b.copy(mine.own(), b.output());
        },
    .rounds = [](const Problem& p) { return flat_rounds(p, doublings(p.world_size())); },
    .idea = "parts go down a tree"};

}  // namespace motet
