// All algorithms. Within a collective those that come first win a tie.
#pragma once

#include <span>
#include <vector>

#include "algorithms/algorithm.hpp"

namespace motet {

std::span<const Algorithm> algorithms();
// Null if there is none of that name.
const Algorithm* find_algorithm(Collective collective, std::string_view name);
// Those of one collective, in the order of the list.
std::vector<const Algorithm*> algorithms_for(Collective collective);

}  // namespace motet
