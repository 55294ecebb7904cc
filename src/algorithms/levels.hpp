// The groups in which a hierarchical algorithm works, innermost first: the ranks of my node, then
// those with my place on the nodes of my pod, and so on. Levels of one member are left out. Every
// rank is in exactly one group per level, and ranks of one group have the same place in all levels
// below, hence work on the same share.
#pragma once

#include <vector>

#include "topology/topology.hpp"

namespace motet {

// Whether every tier's groups are equally large, from the nodes outwards, so that levels exist.
// Tiers inside nodes whose groups are not make no level.
bool has_levels(const Topology& topology);
// Requires has_levels(topology).
std::vector<Group> levels(const Topology& topology, Rank me);

}  // namespace motet
