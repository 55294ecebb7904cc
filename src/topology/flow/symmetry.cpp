#include "topology/flow/symmetry.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace motet {
namespace {

// The innermost tier in whose groups the groups of the next smaller tier may be exchanged.
int first_free_tier(const FabricDescription& fabric) {
  int free = 0;
  for (const Join& join : fabric.joins) {
    if (!join.others.empty()) return static_cast<int>(fabric.topology.tiers().size());
    if (join.kind == Join::Kind::edge) free = std::max(free, join.tier + 1);
    if (join.kind == Join::Kind::rails) free = std::max(free, join.tier);
  }
  return free;
}

// Equal values get equal numbers.
template <class Value>
class Numbers {
 public:
  int of(const Value& value) {
    return numbers_.try_emplace(value, static_cast<int>(numbers_.size())).first->second;
  }

 private:
  std::map<Value, int> numbers_;
};

// What of a fabric's groups can be exchanged, from the inside out.
class Kinds {
 public:
  Kinds(const Topology& topology, int free, std::optional<Rank> fixed)
      : tiers_(topology.tiers()), free_(free), fixed_(fixed), ranks_(topology.world_size()) {
    keys_.resize(ranks_);
    group_.resize(ranks_);
    std::iota(group_.begin(), group_.end(), 0);
    kind_.assign(ranks_, 0);
    if (free > 0) begin_with_fixed_groups();
    for (int tier = free; tier < static_cast<int>(tiers_.size()); ++tier) surround(tier);
  }

  // Ranks with one key are alike.
  const std::vector<int>& key(Rank rank) const { return keys_[rank]; }

 private:
  // Groups whose ranks stay in their order: alike if all smaller groups lie in them alike.
  void begin_with_fixed_groups() {
    group_ = tiers_[free_ - 1].group_of;
    std::map<int, std::vector<int>> inside;  // by group: for each rank in turn its smaller groups
    std::map<std::pair<int, int>, Numbers<int>> smaller;
    std::map<int, int> size;
    for (Rank rank = 0; rank < ranks_; ++rank) {
      keys_[rank].push_back(size[group_[rank]]++);
      for (int tier = 0; tier + 1 < free_; ++tier) {
        inside[group_[rank]].push_back(
            smaller[{group_[rank], tier}].of(tiers_[tier].group_of[rank]));
      }
    }
    Numbers<std::pair<int, std::vector<int>>> kinds;
    for (Rank rank = 0; rank < ranks_; ++rank) {
      kind_[rank] = kinds.of({size[group_[rank]], inside[group_[rank]]});
    }
  }

  // Goes from groups to those of the tier around them: alike if they hold as many of each kind.
  void surround(int tier) {
    const int fixed_group = fixed_ ? group_[*fixed_] : -1;
    std::map<int, std::map<int, int>> held;  // by outer group: kinds of inner groups
    for (Rank rank = 0; rank < ranks_; ++rank) {
      keys_[rank].push_back(kind_[rank]);
      keys_[rank].push_back(group_[rank] == fixed_group ? 1 : 0);
      held[tiers_[tier].group_of[rank]].emplace(group_[rank], kind_[rank]);
    }
    Numbers<std::vector<int>> kinds;
    std::map<int, int> kind_of;
    for (const auto& [group, inner] : held) {
      std::vector<int> sorted;
      for (const auto& [number, kind] : inner) sorted.push_back(kind);
      std::sort(sorted.begin(), sorted.end());
      kind_of[group] = kinds.of(sorted);
    }
    group_ = tiers_[tier].group_of;
    for (Rank rank = 0; rank < ranks_; ++rank) kind_[rank] = kind_of[group_[rank]];
  }

  const std::vector<Tier>& tiers_;
  int free_;
  std::optional<Rank> fixed_;
  int ranks_;
  std::vector<std::vector<int>> keys_;
  std::vector<int> group_, kind_;  // by rank: the group it is in so far, and that one's kind
};

}  // namespace

std::vector<Rank> alike(const Fabric& fabric, std::optional<Rank> fixed) {
  const Kinds kinds(fabric.topology(), first_free_tier(fabric.description()), fixed);
  std::vector<Rank> ranks(fabric.world_size());
  std::map<std::vector<int>, Rank> seen;
  for (Rank rank = 0; rank < fabric.world_size(); ++rank) {
    ranks[rank] = seen.try_emplace(kinds.key(rank), rank).first->second;
  }
  return ranks;
}

std::vector<Rank> representatives(const Fabric& fabric, std::optional<Rank> fixed) {
  std::vector<Rank> ranks = alike(fabric, fixed);
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

}  // namespace motet
