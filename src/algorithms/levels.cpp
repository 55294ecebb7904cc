#include "algorithms/levels.hpp"

#include <utility>

#include "base/assert.hpp"

namespace motet {

namespace {

constexpr int alone = -1;  // below the innermost tier: every rank is a group of its own

int group_of(const Topology& topology, int tier, Rank rank) {
  return tier == alone ? rank : topology.tiers()[static_cast<std::size_t>(tier)].group_of[rank];
}

// Members of any group: all are equally large.
int group_size(const Topology& topology, int tier) {
  return tier == alone ? 1 : static_cast<int>(topology.members(tier, 0).size());
}

// The tiers whose groups are larger than those of the one before. Where pods differ in size, they
// and what lies above are left out, but for the world.
std::vector<int> growing_tiers(const Topology& topology, Middle middle) {
  std::vector<int> found;
  const int world = static_cast<int>(topology.tiers().size()) - 1;
  int size = 1;
  for (int tier = 0; tier <= world; ++tier) {
    if (!topology.uniform(tier)) tier = world;
    if (group_size(topology, tier) == size) continue;
    size = group_size(topology, tier);
    found.push_back(tier);
  }
  if (middle == Middle::used) return found;
  MOTET_ASSERT(found.size() >= 3, "of three levels or more one can be left out");
  found.erase(found.end() - 2);
  return found;
}

// The rank at `place` of a group: subgroups follow one another in the order of their first members.
Rank rank_at(const Topology& topology, int tier, int group, int place) {
  for (; tier != alone; --tier) {
    const int size = group_size(topology, tier - 1);
    group = topology.subgroups(tier, group)[static_cast<std::size_t>(place / size)];
    place %= size;
  }
  return group;
}

// The groups of tier `inner` that make up a group of tier `outer`.
void add_groups(const Topology& topology, int outer, int group, int inner,
                std::vector<int>& found) {
  if (outer == inner) return found.push_back(group);
  for (const int sub : topology.subgroups(outer, group)) {
    add_groups(topology, outer - 1, sub, inner, found);
  }
}

// The ranks of my group in `outer` that have my place in its groups of `inner`.
Group peers(const Topology& topology, int outer, int inner, int place, Rank me) {
  std::vector<int> members;
  add_groups(topology, outer, group_of(topology, outer, me), inner, members);
  for (int& group : members) group = rank_at(topology, inner, group, place);
  return {std::move(members), me};
}

void add_same_place(const Topology& topology, Rank rank, std::size_t level, Middle middle,
                    std::vector<Rank>& found) {
  const std::vector<Group> all = levels(topology, rank, middle);
  if (level == all.size()) return found.push_back(rank);
  const Group& group = all[level];
  for (int i = 0; i < group.size(); ++i) {
    const Rank fellow = group.at(group.index() + i);
    if (level + 1 == all.size()) {
      found.push_back(fellow);
    } else {
      add_same_place(topology, fellow, level + 1, middle, found);
    }
  }
}

}  // namespace

bool has_levels(const Topology& topology) {
  for (int tier = 0;; ++tier) {
    if (!topology.uniform(tier)) return false;
    if (topology.tiers()[static_cast<std::size_t>(tier)].name == "node") return true;
  }
}

int level_count(const Topology& topology) {
  return static_cast<int>(growing_tiers(topology, Middle::used).size());
}

std::vector<Group> levels(const Topology& topology, Rank me, Middle middle) {
  std::vector<Group> found;
  int place = 0;  // mine in my group of the tier before
  int before = alone;
  for (const int tier : growing_tiers(topology, middle)) {
    found.push_back(peers(topology, tier, before, place, me));
    place += found.back().index() * group_size(topology, before);
    before = tier;
  }
  return found;
}

std::vector<Rank> same_place(const Topology& topology, Rank rank, int level, Middle middle) {
  std::vector<Rank> found;
  add_same_place(topology, rank, static_cast<std::size_t>(level), middle, found);
  return found;
}

}  // namespace motet
