// A View as text for people, JSON, and Graphviz's DOT.
#pragma once

#include <string>
#include <vector>

#include "plans.hpp"
#include "view.hpp"

namespace motet_topo {

std::string to_text(const View& view, const std::vector<Plan>& plans);
std::string to_json(const View& view, const std::vector<Plan>& plans);
std::string to_dot(const View& view);

}  // namespace motet_topo
