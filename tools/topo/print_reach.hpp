// The matrix of who reaches whom.
#pragma once

#include <string>

#include "communicator/reach.hpp"

namespace motet_topo {

// A line per rank, which names what joins it to each other one; then what a job would use, and each
// way that does not work, with its reason.
std::string to_text(const motet::Reach& reach);
std::string to_json(const motet::Reach& reach);

}  // namespace motet_topo
