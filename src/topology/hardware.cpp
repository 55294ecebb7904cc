#include "topology/hardware.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace motet {
namespace {

// Whether the place hangs on that switch, perhaps with others between them.
bool is_below(const Hardware& hardware, const PciPlace& place, int wanted) {
  int at = place.below;
  while (at >= 0 && at != wanted)
    at = hardware.switches.at(static_cast<std::size_t>(at)).place.below;
  return at == wanted;
}

bool share_switch(const Hardware& hardware, const PciPlace& one, const PciPlace& other) {
  for (int at = one.below; at >= 0;
       at = hardware.switches.at(static_cast<std::size_t>(at)).place.below) {
    if (is_below(hardware, other, at)) return true;
  }
  return false;
}

}  // namespace

int Hardware::cpu_count() const {
  int cpus = 0;
  for (const Package& package : packages) cpus += package.cpus.count();
  if (!packages.empty()) return cpus;
  for (const NumaNode& node : numa_nodes) cpus += node.cpus.count();
  return cpus;
}

std::string_view name(NicKind kind) noexcept {
  constexpr std::array<std::string_view, nic_kind_count> names{"ethernet", "infiniband", "roce",
                                                               "unattached"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(AcceleratorKind kind) noexcept {
  constexpr std::array<std::string_view, accelerator_kind_count> names{
      "cuda", "rocm", "level-zero", "opencl", "ascend", "unknown"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(Closeness closeness) noexcept {
  constexpr std::array<std::string_view, 5> names{"through one switch", "within a NUMA node",
                                                  "within a package", "between packages",
                                                  "distance not known"};
  return names[static_cast<std::size_t>(closeness)];
}

Closeness closeness(const Hardware& hardware, const PciPlace& one, const PciPlace& other) {
  if (share_switch(hardware, one, other)) return Closeness::same_switch;
  if (one.numa >= 0 && one.numa == other.numa) return Closeness::same_numa_node;
  if (one.package >= 0 && one.package == other.package) return Closeness::same_package;
  return one.package < 0 || other.package < 0 ? Closeness::unknown : Closeness::far;
}

std::vector<int> nearest_nics(const Hardware& hardware) {
  const auto nics = static_cast<int>(hardware.nics.size());
  std::vector<int> served(hardware.nics.size(), 0);
  std::vector<int> nearest;
  for (const Accelerator& accelerator : hardware.accelerators) {
    int best = -1;
    const auto rank_of = [&](int nic) {
      const auto at = static_cast<std::size_t>(nic);
      return std::tuple(closeness(hardware, accelerator.place, hardware.nics[at].place),
                        served[at]);
    };
    for (int nic = 0; nic < nics; ++nic) {
      if (hardware.nics[static_cast<std::size_t>(nic)].place.address.empty()) continue;
      if (best < 0 || rank_of(nic) < rank_of(best)) best = nic;
    }
    if (best >= 0) ++served[static_cast<std::size_t>(best)];
    nearest.push_back(best);
  }
  return nearest;
}

}  // namespace motet
