// The candidates' names, apart from the rest: the library's own words and those of its public
// interface do not mix.
#pragma once

#include <string>
#include <vector>

#include "pattern.hpp"

namespace motet_tune {

// Of the algorithms that support a call among ranks of one node, or each on a node of its own.
std::vector<std::string> algorithm_names(const motet_perf::Shape& shape, bool shares_memory);

}  // namespace motet_tune
