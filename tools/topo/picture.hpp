// A picture of the machines, as SVG: what holds what, how fast it is connected, which NIC serves
// which accelerator, and where ranks sit.
#pragma once

#include <string>

#include "view.hpp"

namespace motet_topo {

std::string to_svg(const View& view);

}  // namespace motet_topo
