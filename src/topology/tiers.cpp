#include "topology/tiers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"

namespace motet {
namespace {

// Equal pairs get equal numbers.
std::vector<int> labels_of_pairs(const std::vector<int>& outer, const std::vector<int>& inner) {
  std::map<std::pair<int, int>, int> number;
  std::vector<int> labels;
  for (std::size_t rank = 0; rank < outer.size(); ++rank) {
    const auto next = static_cast<int>(number.size());
    labels.push_back(number.try_emplace({outer[rank], inner[rank]}, next).first->second);
  }
  return labels;
}

int distinct(const std::vector<int>& labels) {
  return static_cast<int>(std::set<int>(labels.begin(), labels.end()).size());
}

// Numbers inside groups of `outer`, by rank; nothing if some rank's is not known or they tell
// nothing: one to each group, or one to each rank.
std::optional<std::vector<int>> divided(const std::vector<int>& outer,
                                        const std::vector<int>& inner) {
  if (std::ranges::count(inner, -1) > 0) return std::nullopt;
  std::vector<int> labels = labels_of_pairs(outer, inner);
  const int groups = distinct(labels);
  if (groups == distinct(outer) || groups == static_cast<int>(labels.size())) return std::nullopt;
  return labels;
}

void check_holds_nodes(const Tier& tier, const std::vector<int>& node_of) {
  std::map<int, std::size_t> first_rank;
  for (std::size_t rank = 0; rank < node_of.size(); ++rank) {
    const std::size_t first = first_rank.try_emplace(node_of[rank], rank).first->second;
    if (tier.group_of[first] == tier.group_of[rank]) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("topology: ranks {} and {} share a node, and not the {} that "
                            "MOTET_TOPOLOGY gives them",
                            first, rank, tier.name));
  }
}

}  // namespace

std::vector<Tier> tiers_inside_nodes(const std::vector<int>& node_of,
                                     const std::vector<Seat>& seats) {
  std::vector<int> package_of, numa_of;
  for (const Seat& seat : seats) {
    package_of.push_back(seat.package);
    numa_of.push_back(seat.numa);
  }
  std::vector<Tier> tiers;
  const auto packages = divided(node_of, package_of);
  if (auto numa = divided(packages.value_or(node_of), numa_of)) {
    tiers.push_back({"numa", std::move(*numa)});
  }
  if (packages) tiers.push_back({"package", *packages});
  return tiers;
}

Topology assemble(const std::vector<int>& node_of, const std::vector<Seat>& seats,
                  const UserTiers& user) {
  std::vector<Tier> tiers = user.inside_nodes;
  if (tiers.empty()) tiers = tiers_inside_nodes(node_of, seats);
  tiers.push_back({"node", node_of});
  for (const Tier& tier : user.above_nodes) {
    check_holds_nodes(tier, node_of);
    tiers.push_back(tier);
  }
  return Topology::from_tiers(std::move(tiers));
}

}  // namespace motet
