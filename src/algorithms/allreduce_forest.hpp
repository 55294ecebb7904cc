// Shares are summed up trees that use all links of a fabric as far as they can be used, and go back
// down them. Takes twice the bound of an allgather for large messages; dozens of hops. The choice
// on odd graphs.
#pragma once

#include "algorithms/forest.hpp"

namespace motet {

inline constexpr Algorithm allreduce_forest{
    .name = "forest",
    .collective = Collective::allreduce,
    .uses = {.chunks = true, .mover = true, .trees = true, .topology = true},
    .supports = [](const Problem& p) { return p.commutative && supports_forest(p); },
    .build = build_forest_allreduce,
    .rounds = forest_rounds,
    .idea = "shares are summed up trees packed into the fabric and go back down"};

}  // namespace motet
