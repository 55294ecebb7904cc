// A picture of who does what when: a lane for each rank.
#pragma once

#include <span>
#include <string>

#include "sim/search.hpp"

namespace motet_sim {

// An SVG document. Of many ranks the first are drawn.
std::string timeline_svg(const motet::Fabric& fabric, const motet::Problem& problem,
                         const Candidate& candidate, std::span<const motet::Activity> activities);

}  // namespace motet_sim
