// Which NICs a rank should use, out of sysfs: cheap enough for every communicator.
#pragma once

#include <string>
#include <vector>

namespace motet {

// The interfaces of devices (no bridges, no tunnels) that are up and not much slower than the
// fastest, by name: those at NUMA node `numa` if there are any, else all. What sysfs does not say
// of speeds and nodes counts as alike. `sysfs`: where it is mounted.
std::vector<std::string> near_nics(int numa, const std::string& sysfs = "/sys");

// The transport that drives this host's RDMA devices best: "ofi" for EFA, Omni-Path and Slingshot,
// "ucx" for the others; "" where there are none, or only ones that are emulated over Ethernet.
std::string fabric_transport(const std::string& sysfs = "/sys");

}  // namespace motet
