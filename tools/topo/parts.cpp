#include "parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace motet_topo {
namespace {

using motet::Hardware;
using motet::PciPlace;
using motet::Survey;

std::string link_text(const PciPlace& place) {
  if (place.link_gigabytes == 0) return "";
  return fmt::format("PCI {:.3g} GB/s", place.link_gigabytes);
}

void add_if(std::vector<std::string>& details, std::string text) {
  if (!text.empty()) details.push_back(std::move(text));
}

// Puts parts into the tree, those that hold others first.
class Tree {
 public:
  Tree(const Survey& survey, int index)
      : survey_(survey),
        index_(index),
        hardware_(survey.machines.at(static_cast<std::size_t>(index))) {}

  Part build() const {
    Part machine{PartKind::machine, "machine", {}, ranks_at(-1, -1), -1, {}};
    for (const motet::Package& package : hardware_.packages) {
      machine.children.push_back(package_part(package));
    }
    add_numa_nodes(machine, -1);
    add_devices(machine, {-1, -1, -1});
    return machine;
  }

 private:
  // What something hangs on directly.
  struct Holder {
    int below, package, numa;
    bool operator==(const Holder&) const = default;
  };

  bool has_numa_node(int id) const {
    return std::ranges::count(hardware_.numa_nodes, id, &motet::NumaNode::id) > 0;
  }
  bool has_package(int id) const {
    return std::ranges::count(hardware_.packages, id, &motet::Package::id) > 0;
  }
  Holder holder_of(const PciPlace& place) const {
    if (place.below >= 0) return {place.below, -1, -1};
    if (has_numa_node(place.numa)) return {-1, -1, place.numa};
    return {-1, has_package(place.package) ? place.package : -1, -1};
  }

  std::vector<motet::Rank> ranks_at(int package, int numa) const {
    std::vector<motet::Rank> ranks;
    for (std::size_t rank = 0; rank < survey_.seats.size(); ++rank) {
      const motet::Seat& seat = survey_.seats[rank];
      const int own_numa = has_numa_node(seat.numa) ? seat.numa : -1;
      const int own_package = own_numa >= 0 || !has_package(seat.package) ? -1 : seat.package;
      if (seat.machine == index_ && own_numa == numa && own_package == package) {
        ranks.push_back(static_cast<motet::Rank>(rank));
      }
    }
    return ranks;
  }

  Part package_part(const motet::Package& package) const {
    Part part{PartKind::package,
              fmt::format("package {}", package.id),
              {},
              ranks_at(package.id, -1),
              -1,
              {}};
    add_if(part.details, package.model);
    part.details.push_back(fmt::format("{} cores", package.cores));
    part.details.push_back(fmt::format("CPUs {}", package.cpus.to_list()));
    add_numa_nodes(part, package.id);
    add_devices(part, {-1, package.id, -1});
    return part;
  }

  void add_numa_nodes(Part& into, int package) const {
    for (const motet::NumaNode& node : hardware_.numa_nodes) {
      if ((has_package(node.package) ? node.package : -1) != package) continue;
      Part part{PartKind::numa_node,
                fmt::format("NUMA node {}", node.id),
                {},
                ranks_at(-1, node.id),
                -1,
                {}};
      if (node.bytes > 0) part.details.push_back(bytes_text(node.bytes));
      if (!node.cpus.empty()) part.details.push_back(fmt::format("CPUs {}", node.cpus.to_list()));
      add_devices(part, {-1, -1, node.id});
      into.children.push_back(std::move(part));
    }
  }

  // Switches, then accelerators, then NICs.
  void add_devices(Part& into, const Holder& holder) const {
    for (std::size_t i = 0; i < hardware_.switches.size(); ++i) {
      const PciPlace& place = hardware_.switches[i].place;
      if (holder_of(place) != holder) continue;
      Part part{PartKind::pci_switch, "PCI switch", {place.address}, {}, static_cast<int>(i), {}};
      add_if(part.details, link_text(place));
      add_devices(part, {static_cast<int>(i), -1, -1});
      into.children.push_back(std::move(part));
    }
    for (std::size_t i = 0; i < hardware_.accelerators.size(); ++i) {
      if (holder_of(hardware_.accelerators[i].place) == holder) {
        into.children.push_back(accelerator_part(static_cast<int>(i)));
      }
    }
    for (std::size_t i = 0; i < hardware_.nics.size(); ++i) {
      if (holder_of(hardware_.nics[i].place) == holder) {
        into.children.push_back(nic_part(static_cast<int>(i)));
      }
    }
  }

  Part accelerator_part(int index) const {
    const motet::Accelerator& it = hardware_.accelerators[static_cast<std::size_t>(index)];
    Part part{PartKind::accelerator, it.name, {}, {}, index, {}};
    add_if(part.details, it.model.empty() ? std::string(name(it.kind)) : it.model);
    add_if(part.details, link_text(it.place));
    add_if(part.details, it.place.address);
    return part;
  }

  Part nic_part(int index) const {
    const motet::Nic& nic = hardware_.nics[static_cast<std::size_t>(index)];
    Part part{PartKind::nic, nic.name, {}, {}, index, {}};
    std::string what(name(nic.kind));
    if (nic.gigabits > 0) what += fmt::format(" {}", gigabits_text(nic.gigabits));
    if (!nic.state.empty()) what += ", " + nic.state;
    part.details.push_back(what);
    add_if(part.details, link_text(nic.place));
    add_if(part.details, nic.place.address);
    return part;
  }

  const Survey& survey_;
  const int index_;
  const Hardware& hardware_;
};

}  // namespace

Part part_tree(const Survey& survey, int index) {
  return Tree(survey, index).build();
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
  return fmt::format("{:.4g} {}", amount, units[unit]);
}

std::string gigabits_text(double gigabits) {
  return fmt::format("{:.4g} Gb/s", gigabits);
}

std::string ranks_text(const std::vector<motet::Rank>& ranks) {
  constexpr int most_runs = 8, shown_runs = 4;
  const std::string list = motet::CpuSet::of(ranks).to_list();
  const bool long_list = std::ranges::count(list, ',') >= most_runs;
  std::string text;
  int runs = 1;
  for (const char c : list) {
    if (c == ',' && long_list && runs++ == shown_runs) {
      return fmt::format("{}, ... ({} ranks)", text, ranks.size());
    }
    text += c;
    if (c == ',') text += ' ';
  }
  return text;
}

std::string counts_text(const Hardware& hardware) {
  const auto counted = [](std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return fmt::format("{}, {}, {}, {}, {}", counted(hardware.packages.size(), "package"),
                     counted(hardware.numa_nodes.size(), "NUMA node"),
                     counted(static_cast<std::size_t>(hardware.cpu_count()), "CPU"),
                     counted(hardware.accelerators.size(), "accelerator"),
                     counted(hardware.nics.size(), "NIC"));
}

std::string allowed_text(const Survey& survey, int machine) {
  const auto& seats = survey.seats;
  const int all = survey.machines[static_cast<std::size_t>(machine)].cpu_count();
  int least = all, quota = 0;
  for (const motet::Seat& seat : seats) {
    if (seat.machine != machine || seat.cpus.empty()) continue;
    least = std::min(least, seat.cpus.count());
    if (seat.quota_cores > 0) quota = seat.quota_cores;
  }
  std::string text;
  if (least < all) text = fmt::format("a rank may run on {} of {} CPUs", least, all);
  if (quota > 0) {
    text += fmt::format("{}its cgroup has the time of {} cores", text.empty() ? "" : "; ", quota);
  }
  return text;
}

std::vector<std::string> cache_texts(const Hardware& hardware) {
  std::vector<std::string> texts;
  for (const motet::Cache& cache : hardware.caches) {
    const std::string sharing =
        cache.cpus == 1 ? "one for each CPU" : fmt::format("shared by {} CPUs", cache.cpus);
    texts.push_back(
        fmt::format("{} x {} {}, {}", cache.count, cache.name, bytes_text(cache.bytes), sharing));
  }
  return texts;
}

std::string hosts_of(const Survey& survey, int machine) {
  std::vector<std::string> hosts;
  for (const motet::Seat& seat : survey.seats) {
    if (seat.machine == machine && std::ranges::count(hosts, seat.host) == 0) {
      hosts.push_back(seat.host);
    }
  }
  constexpr std::size_t most = 4;
  if (hosts.size() <= most) return fmt::format("{}", fmt::join(hosts, ", "));
  const std::size_t rest = hosts.size() - most;
  hosts.resize(most);
  return fmt::format("{} and {} more", fmt::join(hosts, ", "), rest);
}

}  // namespace motet_topo
