// The groups in which a hierarchical algorithm works, innermost first: the ranks of my node, then
// those with my place on the nodes of my pod, and so on. Levels of one member are left out. Every
// rank is in exactly one group per level, and ranks of one group have the same place in all levels
// below, hence work on the same share. What a rank asks costs as much as the answer is long.
#pragma once

#include <vector>

#include "topology/topology.hpp"

namespace motet {

// The level below the outermost is used, or left out: then the outermost level joins its groups
// too, those of one of them side by side.
enum class Middle : std::uint8_t { used, left_out };

// Whether nodes, and the tiers inside them, are equally large, so that levels exist. Pods of
// different sizes are no level.
bool has_levels(const Topology& topology);
// Requires has_levels(topology), as do those below. To leave one out there must be three.
int level_count(const Topology& topology);
std::vector<Group> levels(const Topology& topology, Rank me, Middle middle = Middle::used);

// The ranks with the place of `rank` in the first `level` levels. `rank` itself comes first, then
// follow the members of its groups in their order from there on, those of the outermost level
// fastest: entry k of this list and of that of a fellow in one of those first levels belong
// together.
std::vector<Rank> same_place(const Topology& topology, Rank rank, int level,
                             Middle middle = Middle::used);

}  // namespace motet
