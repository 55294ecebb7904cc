// Ranks that a fabric treats alike.
#pragma once

#include <optional>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

// By rank: the lowest one that a symmetry of the fabric takes it to; `fixed` stays where it is.
// Symmetries used are those that exchange two groups of one kind inside the group around them.
// Every mesh and switch bears that; edges and rails go by position, so inside of the groups that
// those join nothing is exchanged; nor anywhere, where single links are of another class.
std::vector<Rank> alike(const Fabric& fabric, std::optional<Rank> fixed = {});
// Those that are the lowest of their kind.
std::vector<Rank> representatives(const Fabric& fabric, std::optional<Rank> fixed = {});

}  // namespace motet
