// Packs spanning trees rooted at every rank into a logical graph.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/flow/forest.hpp"
#include "topology/flow/logical_graph.hpp"

namespace motet {

// Requires graph.holds_all_trees() and no switches. `trees` per rank, alike ones together.
std::vector<Tree> pack_trees(const LogicalGraph& graph, int ranks, int trees);

}  // namespace motet
