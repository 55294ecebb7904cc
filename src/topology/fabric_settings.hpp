// What a user sets differently from the file: "roce=25 GB/s".
#pragma once

#include <span>
#include <string>

#include "topology/fabric_description.hpp"

namespace motet {

// In the order in which a fabric is read: first how many groups and ranks there are ("nodes=16",
// "ranks=4" in each innermost group), at the end everything else. Both throw
// Error{invalid_argument}, the second one also for a name that means nothing.
void set_counts(TopologyShape& shape, std::span<const std::string> settings);
void set_amounts(FabricDescription& fabric, std::span<const std::string> settings);

}  // namespace motet
