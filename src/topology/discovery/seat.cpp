#include "topology/discovery/seat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

namespace motet {
namespace {

// -1 if it is none.
int number(const std::string& text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

CpuSet list(const std::string& path) {
  return CpuSet::from_list(first_line(path)).value_or(CpuSet());
}

std::vector<Package> packages_of(const CpuSet& cpus, const std::string& sysfs) {
  std::vector<Package> packages;
  for (int cpu = 0; cpu <= cpus.last(); ++cpu) {
    const bool seen = std::ranges::any_of(
        packages, [cpu](const Package& package) { return package.cpus.contains(cpu); });
    if (seen || !cpus.contains(cpu)) continue;
    const std::string topology = fmt::format("{}/devices/system/cpu/cpu{}/topology/", sysfs, cpu);
    Package package;
    package.id = number(first_line(topology + "physical_package_id"));
    package.cpus = list(topology + "package_cpus_list");
    if (package.cpus.empty()) package.cpus = list(topology + "core_siblings_list");  // before 5.0
    if (package.id < 0 || !package.cpus.contains(cpu)) return {};
    packages.push_back(std::move(package));
  }
  return packages;
}

std::vector<NumaNode> numa_nodes_of(const CpuSet& cpus, const std::string& sysfs) {
  std::vector<NumaNode> nodes;
  const std::string folder = sysfs + "/devices/system/node/";
  const CpuSet online = list(folder + "online");
  for (int id = 0; id <= online.last(); ++id) {
    if (!online.contains(id)) continue;
    NumaNode node;
    node.id = id;
    node.cpus = list(fmt::format("{}node{}/cpulist", folder, id));
    if (node.cpus.meets(cpus)) nodes.push_back(std::move(node));
  }
  return nodes;
}

std::string this_host() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Hardware packages_and_numa_nodes(const CpuSet& cpus, const std::string& sysfs) {
  Hardware hardware;
  hardware.packages = packages_of(cpus, sysfs);
  hardware.numa_nodes = numa_nodes_of(cpus, sysfs);
  return hardware;
}

Seat seat_here(const CpuSet& cpus, const std::string& sysfs) {
  Seat seat = seat_on(packages_and_numa_nodes(cpus, sysfs), cpus);
  seat.host = this_host();
  return seat;
}

}  // namespace motet
