// Ranks that a fabric treats alike.
#pragma once

#include <optional>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

// By rank: the lowest one that a symmetry of the fabric takes it to; `fixed` stays where it is.
// Symmetries used are those that permute the children of all groups of a tier alike, which only
// edges, going by position, forbid.
std::vector<Rank> alike(const Fabric& fabric, std::optional<Rank> fixed = {});
// Those that are the lowest of their kind.
std::vector<Rank> representatives(const Fabric& fabric, std::optional<Rank> fixed = {});

}  // namespace motet
