#include "algorithms/levels.hpp"

#include <algorithm>

namespace motet {

namespace {

// Those that make levels, innermost first. Tiers inside nodes whose groups differ in size are left
// out: ranks that are bound unevenly still share their node.
std::vector<int> tiers_of_levels(const Topology& topology) {
  std::vector<int> chosen;
  bool inside_node = true;
  for (int tier = 0; tier < static_cast<int>(topology.tiers().size()); ++tier) {
    if (topology.tiers()[static_cast<std::size_t>(tier)].name == "node") inside_node = false;
    if (!inside_node || topology.uniform(tier)) chosen.push_back(tier);
  }
  return chosen;
}

// The rank's group in a tier; below the first tier everyone is alone.
int group_of(const Topology& topology, int tier, Rank rank) {
  return tier < 0 ? rank : topology.tiers()[static_cast<std::size_t>(tier)].group_of[rank];
}

// The ranks of my group in `tier` that have my place in its subgroups.
std::vector<Rank> peers(const Topology& topology, int tier, Rank me,
                        const std::vector<int>& place) {
  std::vector<Rank> found;
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    const bool together = group_of(topology, tier, rank) == group_of(topology, tier, me);
    if (together && place[rank] == place[me]) found.push_back(rank);
  }
  return found;
}

// A tier whose groups are divided into those of the tier below, which have `size` members each.
struct Division {
  int tier = 0, below = -1, size = 1;
};

// For each rank, its place in its group of the tier, given its place in the subgroup: subgroups
// follow one another in the order of their first members.
std::vector<int> places(const Topology& topology, const Division& division,
                        const std::vector<int>& inner) {
  std::vector<std::vector<int>> subgroups(
      topology.world_size());  // by group, in order of appearance
  std::vector<int> place(topology.world_size());
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    auto& seen = subgroups[group_of(topology, division.tier, rank)];
    const int mine = group_of(topology, division.below, rank);
    auto found = std::find(seen.begin(), seen.end(), mine);
    if (found == seen.end()) found = seen.insert(found, mine);
    place[rank] = static_cast<int>(found - seen.begin()) * division.size + inner[rank];
  }
  return place;
}

}  // namespace

bool has_levels(const Topology& topology) {
  const std::vector<int> tiers = tiers_of_levels(topology);
  return std::ranges::all_of(tiers, [&](int tier) { return topology.uniform(tier); });
}

std::vector<Group> levels(const Topology& topology, Rank me) {
  std::vector<Group> found;
  std::vector<int> place(topology.world_size(), 0);
  Division division;
  for (const int tier : tiers_of_levels(topology)) {
    division.tier = tier;
    Group level(peers(topology, tier, me, place), me);
    place = places(topology, division, place);
    division.below = tier;
    division.size *= level.size();
    if (level.size() > 1) found.push_back(std::move(level));
  }
  return found;
}

}  // namespace motet
