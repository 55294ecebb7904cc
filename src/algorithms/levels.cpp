#include "algorithms/levels.hpp"

#include <algorithm>

namespace motet {

namespace {

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

// For each rank, its place in its group of `tier`, given its place in the subgroup: subgroups
// follow one another in the order of their first members. `size` is the subgroups' size.
std::vector<int> places(const Topology& topology, int tier, int size,
                        const std::vector<int>& inner) {
  std::vector<std::vector<int>> subgroups(
      topology.world_size());  // by group, in order of appearance
  std::vector<int> place(topology.world_size());
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    auto& seen = subgroups[group_of(topology, tier, rank)];
    const int mine = group_of(topology, tier - 1, rank);
    auto found = std::find(seen.begin(), seen.end(), mine);
    if (found == seen.end()) found = seen.insert(found, mine);
    place[rank] = static_cast<int>(found - seen.begin()) * size + inner[rank];
  }
  return place;
}

}  // namespace

bool has_levels(const Topology& topology) {
  const int tiers = static_cast<int>(topology.tiers().size());
  for (int tier = 0; tier < tiers; ++tier) {
    if (!topology.uniform(tier)) return false;
  }
  return true;
}

std::vector<Group> levels(const Topology& topology, Rank me) {
  std::vector<Group> found;
  std::vector<int> place(topology.world_size(), 0);
  int size = 1;
  for (int tier = 0; tier < static_cast<int>(topology.tiers().size()); ++tier) {
    Group level(peers(topology, tier, me, place), me);
    place = places(topology, tier, size, place);
    size *= level.size();
    if (level.size() > 1) found.push_back(std::move(level));
  }
  return found;
}

}  // namespace motet
