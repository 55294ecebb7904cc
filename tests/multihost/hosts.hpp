// Runs ranks of a program on emulated hosts (scripts/multihost.sh) and gathers what they print.
#pragma once

#include <string>
#include <vector>

#include "scenario.hpp"

namespace motet::testing {

// Why this machine cannot emulate hosts; "": it can.
std::string hosts_unavailable_because();
// Why this build or machine does not have a transport; "": it has.
std::string transport_unavailable_because(const std::string& transport);

// As run_ranks(), with so many hosts and options of multihost.sh: {"2", "--ranks-per-host", "2"}.
// launch.ranks is what these make together; launch.of and launch.missing are not for this.
std::vector<RankOutput> run_on_hosts(const std::vector<std::string>& hosts, const Launch& launch);

}  // namespace motet::testing
