// Where this process sits, out of sysfs: cheap enough for every communicator.
#pragma once

#include <string>

#include "topology/survey.hpp"

namespace motet {

// The package and the NUMA node that hold all of `cpus`, on this host. What cannot be read is -1.
// `sysfs`: where it is mounted.
Seat seat_here(const CpuSet& cpus, const std::string& sysfs = "/sys");

// The packages and NUMA nodes that `cpus` are part of.
Hardware packages_and_numa_nodes(const CpuSet& cpus, const std::string& sysfs = "/sys");

// The first line of a file of sysfs; "" if it cannot be read or is empty.
std::string first_line(const std::string& path);

}  // namespace motet
