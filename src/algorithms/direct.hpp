// Point to point: one message from the sender to the receiver. `root` is the other one.
#pragma once

#include "algorithms/algorithm.hpp"

namespace motet {

inline constexpr Algorithm send_direct{
    .name = "direct",
    .collective = Collective::send,
    .uses = {.mover = true},
    .supports = any_problem,
    .build = [](const Problem& p, Rank,
                ScheduleBuilder& b) { b.send(p.root, b.input(), {.mover = p.params.mover}); },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "one message"};

inline constexpr Algorithm recv_direct{
    .name = "direct",
    .collective = Collective::recv,
    .uses = {.mover = true},
    .supports = any_problem,
    .build = [](const Problem& p, Rank,
                ScheduleBuilder& b) { b.recv(p.root, b.output(), {.mover = p.params.mover}); },
    .rounds = [](const Problem& p) { return flat_rounds(p, 1); },
    .idea = "one message"};

}  // namespace motet
