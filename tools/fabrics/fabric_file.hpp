// Fabrics as a user names them: "atlas900" for an installed file, or a path.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

// `name` is that of a file in one of the fabric folders, without ".fabric", or a path: what holds a
// '/' or ends in ".fabric". `settings` as for Fabric::from_text. Throws Error{unavailable} if there
// is no such file, naming those that there are, and Error{invalid_argument} for what it says.
Fabric load_fabric(const std::string& name, std::span<const std::string> settings = {});

// The names of the files in the fabric folders.
std::vector<std::string> installed_fabrics();

}  // namespace motet
