#include <fmt/format.h>

#include <algorithm>

#include "parts.hpp"
#include "print.hpp"

namespace motet_topo {
namespace {

using motet::Hardware;
using motet::Tier;

constexpr std::size_t most_groups = 8, most_unknown = 24;

std::string nearest_text(const Hardware& hardware, const std::vector<int>& nearest, int index) {
  const int nic = nearest.at(static_cast<std::size_t>(index));
  if (nic < 0) return "";
  const motet::Nic& served_by = hardware.nics[static_cast<std::size_t>(nic)];
  const auto how = closeness(hardware, hardware.accelerators[static_cast<std::size_t>(index)].place,
                             served_by.place);
  return fmt::format("; nearest NIC {}, {}", served_by.name, name(how));
}

// A machine's tree with lines from each part to what it holds.
class TreeText {
 public:
  explicit TreeText(const Hardware& hardware)
      : hardware_(hardware), nearest_(nearest_nics(hardware)) {}

  std::string of(const Part& machine) {
    add_children(machine, "");
    return text_;
  }

 private:
  void add_children(const Part& part, const std::string& before) {
    for (const Part& child : part.children) {
      const bool last = &child == &part.children.back();
      text_ += fmt::format("{}{}{}\n", before, last ? "└─ " : "├─ ", line(child));
      add_children(child, before + (last ? "   " : "│  "));
    }
  }

  std::string line(const Part& part) const {
    std::string text = part.name;
    if (!part.details.empty()) text += fmt::format(": {}", fmt::join(part.details, ", "));
    if (part.kind == PartKind::accelerator) text += nearest_text(hardware_, nearest_, part.index);
    if (part.kind == PartKind::nic) {
      const motet::Nic& nic = hardware_.nics[static_cast<std::size_t>(part.index)];
      if (!nic.ports.empty()) text += fmt::format("; ports {}", fmt::join(nic.ports, " "));
      const bool other_names = !nic.interfaces.empty() && nic.interfaces.front() != nic.name;
      if (other_names) text += fmt::format("; interface {}", fmt::join(nic.interfaces, " "));
    }
    if (!part.ranks.empty()) text += fmt::format("  [rank {}]", ranks_text(part.ranks));
    return text;
  }

  const Hardware& hardware_;
  const std::vector<int> nearest_;
  std::string text_;
};

std::string machine_text(const View& view, int index) {
  const Hardware& hardware = view.survey.machines[static_cast<std::size_t>(index)];
  const Part tree = part_tree(view.survey, index);
  std::string text = fmt::format("machine of {}", hosts_of(view.survey, index));
  if (!hardware.product.empty()) text += fmt::format(" ({})", hardware.product);
  text += fmt::format(": {}\n", counts_text(hardware));
  if (const std::string allowed = allowed_text(view.survey, index); !allowed.empty()) {
    text += fmt::format("   {}\n", allowed);
  }
  if (!tree.ranks.empty()) {
    text +=
        fmt::format("   not bound to one NUMA node or package: rank {}\n", ranks_text(tree.ranks));
  }
  for (const std::string& cache : cache_texts(hardware)) text += fmt::format("   {}\n", cache);
  return text + TreeText(hardware).of(tree) + "\n";
}

std::string tier_text(const Tier& tier) {
  const int groups = 1 + *std::ranges::max_element(tier.group_of);
  std::vector<std::vector<motet::Rank>> members(static_cast<std::size_t>(groups));
  for (std::size_t rank = 0; rank < tier.group_of.size(); ++rank) {
    members[static_cast<std::size_t>(tier.group_of[rank])].push_back(
        static_cast<motet::Rank>(rank));
  }
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(members.size(), most_groups); ++i) {
    shown.push_back(ranks_text(members[i]));
  }
  if (members.size() > most_groups) shown.emplace_back("...");
  return fmt::format("   {:<10} {:>4} {:<7} {}\n", tier.name, groups,
                     groups == 1 ? "group:" : "groups:", fmt::join(shown, " | "));
}

std::string tiers_text(const View& view) {
  std::string text = fmt::format("tiers, innermost first (node: {})\n", view.nodes_are);
  for (const Tier& tier : view.topology.tiers()) text += tier_text(tier);
  if (view.topology.tiers().front().name == "node" && view.topology.world_size() > 1) {
    text +=
        "   none inside nodes: ranks are not bound, or not spread evenly over packages or NUMA "
        "nodes\n";
  }
  return text + "\n";
}

std::string transports_text(const View& view) {
  if (view.transports.empty()) return "";
  std::string text = "transports from rank 0\n";
  for (const auto& [name, peers] : view.transports) {
    text += fmt::format("   {:<10} {:>4} {}\n", name, peers, peers == 1 ? "peer" : "peers");
  }
  if (const auto& nic = view.machine.nic) {
    text += fmt::format("   a slow network: {:.3g} GB/s from node to node\n",
                        nic->gigabytes_per_second());
  }
  return text + "\n";
}

std::string plans_text(const std::vector<Plan>& plans) {
  if (plans.empty()) return "";
  std::string text = "plans (predicted by the model)\n";
  std::string before;
  for (const Plan& plan : plans) {
    const std::string pattern = plan.pattern == before ? "" : plan.pattern;
    before = plan.pattern;
    text += fmt::format("   {:<15}{:>8}  {:<22}{:>12.1f} us{}{}\n", name(plan.collective),
                        bytes_text(plan.bytes), plan.algorithm, plan.predicted_us,
                        pattern.empty() ? "" : "  ", pattern);
  }
  return text + "\n";
}

std::string unknown_text(const View& view) {
  std::string text;
  std::size_t shown = 0;
  for (const Hardware& hardware : view.survey.machines) {
    for (const std::string& what : hardware.unknown) {
      if (++shown <= most_unknown) text += fmt::format("   {}\n", what);
    }
  }
  if (shown > most_unknown) text += fmt::format("   and {} more\n", shown - most_unknown);
  return text.empty() ? "" : "could not be found out\n" + text;
}

}  // namespace

std::string to_text(const View& view, const std::vector<Plan>& plans) {
  std::string text;
  for (std::size_t i = 0; i < view.survey.machines.size(); ++i) {
    text += machine_text(view, static_cast<int>(i));
  }
  return text + tiers_text(view) + transports_text(view) + plans_text(plans) + unknown_text(view);
}

}  // namespace motet_topo
