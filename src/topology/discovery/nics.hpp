// Which NICs a rank should use, out of sysfs: cheap enough for every communicator.
#pragma once

#include <string>
#include <vector>

namespace motet {

// The interfaces of devices (no bridges, no tunnels) that are up and not much slower than the
// fastest, by name: those at NUMA node `numa` if there are any, else all. What sysfs does not say
// of speeds and nodes counts as alike. `sysfs`: where it is mounted.
std::vector<std::string> near_nics(int numa, const std::string& sysfs = "/sys");

}  // namespace motet
