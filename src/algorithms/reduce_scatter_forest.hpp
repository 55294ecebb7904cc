// Every part is summed up trees that use all links of a fabric as far as they can be used. Reaches
// the bound of any reduce-scatter for large messages; up to dozens of hops. The choice on odd
// graphs.
#pragma once

#include "algorithms/forest.hpp"

namespace motet {

inline constexpr Algorithm reduce_scatter_forest{
    .name = "forest",
    .collective = Collective::reduce_scatter,
    .uses = {.chunks = true, .mover = true, .trees = true, .topology = true},
    .supports = [](const Problem& p) { return p.commutative && supports_forest(p); },
    .build = build_forest_reduce_scatter,
    .rounds = forest_rounds,
    .idea = "parts are summed up trees packed into the fabric"};

}  // namespace motet
