// Every part goes down trees that use all links of a fabric as far as they can be used. Reaches the
// bound of any allgather for large messages; up to dozens of hops. The choice on odd graphs.
#pragma once

#include "algorithms/forest.hpp"

namespace motet {

inline constexpr Algorithm allgather_forest{
    .name = "forest",
    .collective = Collective::allgather,
    .uses = {.chunks = true, .mover = true, .trees = true, .topology = true},
    .supports = supports_forest,
    .build = build_forest_allgather,
    .rounds = forest_rounds,
    .idea = "parts go down trees packed into the fabric"};

}  // namespace motet
