#include "topology/topology.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.hpp"

namespace motet {
namespace {

// Any labels, renumbered 0, 1, ... in the order in which ranks first show them.
std::vector<int> numbered_by_first_member(const std::vector<int>& labels) {
  std::map<int, int> number;
  std::vector<int> numbers;
  numbers.reserve(labels.size());
  for (const int label : labels) {
    numbers.push_back(number.try_emplace(label, static_cast<int>(number.size())).first->second);
  }
  return numbers;
}

Tier world_tier(std::size_t world_size) {
  return {"world", std::vector<int>(world_size, 0)};
}

// Which group of `outer` each group of `inner` lies in; -1 if in several.
std::vector<int> enclosing_groups(const Tier& inner, const Tier& outer) {
  std::vector<int> found;
  for (std::size_t rank = 0; rank < inner.group_of.size(); ++rank) {
    const auto group = static_cast<std::size_t>(inner.group_of[rank]);
    if (group == found.size()) found.push_back(outer.group_of[rank]);
    if (found.at(group) != outer.group_of[rank]) found[group] = -1;
  }
  return found;
}

// Hierarchical algorithms need groups that are equally large: ranks that are spread unevenly over a
// node still share it.
void leave_out_uneven_inside_nodes(std::vector<Tier>& tiers) {
  const auto node =
      std::find_if(tiers.begin(), tiers.end(), [](const Tier& t) { return t.name == "node"; });
  const auto uneven = [](const Tier& tier) {
    std::map<int, int> sizes;
    for (const int group : tier.group_of) ++sizes[group];
    return std::any_of(sizes.begin(), sizes.end(),
                       [&](const auto& size) { return size.second != sizes.begin()->second; });
  };
  tiers.erase(std::remove_if(tiers.begin(), node, uneven), node);
}

}  // namespace

Topology::Lists::Lists(const std::vector<int>& labels) : numbers(labels.size()), first(1, 0) {
  std::vector<std::size_t> lengths;
  for (const int label : labels) {
    const auto group = static_cast<std::size_t>(label);
    if (group >= lengths.size()) lengths.resize(group + 1);
    ++lengths[group];
  }
  for (const std::size_t length : lengths) first.push_back(first.back() + length);
  for (const std::size_t length : lengths) equally_long &= length == lengths.front();
  std::vector<std::size_t> next = first;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    numbers[next[static_cast<std::size_t>(labels[i])]++] = static_cast<int>(i);
  }
}

std::span<const int> Topology::Lists::of(int group) const {
  const std::size_t begin = first.at(static_cast<std::size_t>(group));
  return {numbers.data() + begin, first.at(static_cast<std::size_t>(group) + 1) - begin};
}

Topology::Topology(std::vector<Tier> tiers) : tiers_(std::move(tiers)) {
  check();
  for (std::size_t i = 0; i < tiers_.size(); ++i) {
    members_.emplace_back(tiers_[i].group_of);
    subgroups_.push_back(i == 0 ? members_[0] : Lists(enclosing_groups(tiers_[i - 1], tiers_[i])));
    if (tiers_[i].name == "node") node_tier_ = static_cast<int>(i);
  }
}

void Topology::check() const {
  MOTET_ASSERT(!tiers_.empty() && tiers_.back().name == "world", "the last tier is the world");
  MOTET_ASSERT(world_size() > 0, "a topology has at least one rank");
  const bool has_nodes = std::any_of(tiers_.begin(), tiers_.end(),
                                     [](const Tier& tier) { return tier.name == "node"; });
  MOTET_ASSERT(has_nodes, "a topology has a tier of nodes");
  for (std::size_t i = 0; i + 1 < tiers_.size(); ++i) {
    MOTET_ASSERT(tiers_[i].group_of.size() == tiers_.back().group_of.size(),
                 "every tier places every rank");
    const std::vector<int> outer = enclosing_groups(tiers_[i], tiers_[i + 1]);
    MOTET_ASSERT(std::find(outer.begin(), outer.end(), -1) == outer.end(),
                 "every tier lies inside the next");
  }
}

Topology Topology::single_node(int world_size) {
  return from_nodes(std::vector<int>(static_cast<std::size_t>(world_size), 0));
}

Topology Topology::from_nodes(const std::vector<int>& node_of) {
  return Topology({{"node", numbered_by_first_member(node_of)}, world_tier(node_of.size())});
}

Topology Topology::from_tiers(std::vector<Tier> labelled) {
  std::vector<int> enclosing(labelled.front().group_of.size(), 0);
  labelled.push_back(world_tier(enclosing.size()));
  for (std::size_t i = labelled.size() - 1; i-- > 0;) {
    std::map<std::pair<int, int>, int> number;  // of (enclosing group, label)
    for (std::size_t rank = 0; rank < enclosing.size(); ++rank) {
      int& group = labelled[i].group_of.at(rank);
      const auto next = static_cast<int>(number.size());
      group = number.try_emplace({enclosing[rank], group}, next).first->second;
    }
    enclosing = labelled[i].group_of;
  }
  leave_out_uneven_inside_nodes(labelled);
  return Topology(std::move(labelled));
}

std::span<const Rank> Topology::members(int tier, int group) const {
  return members_.at(static_cast<std::size_t>(tier)).of(group);
}

std::span<const int> Topology::subgroups(int tier, int group) const {
  return subgroups_.at(static_cast<std::size_t>(tier)).of(group);
}

int Topology::node_count() const {
  return members_[static_cast<std::size_t>(node_tier_)].count();
}

int Topology::node_of(Rank rank) const {
  return tiers_[static_cast<std::size_t>(node_tier_)].group_of.at(static_cast<std::size_t>(rank));
}

int Topology::local_rank(Rank rank) const {
  const std::span<const Rank> node = members(node_tier_, node_of(rank));
  return static_cast<int>(std::lower_bound(node.begin(), node.end(), rank) - node.begin());
}

Group Topology::tier(int tier, Rank me) const {
  const std::vector<int>& group_of = tiers_.at(static_cast<std::size_t>(tier)).group_of;
  const std::span<const Rank> found = members(tier, group_of.at(static_cast<std::size_t>(me)));
  return {{found.begin(), found.end()}, me};
}

Group Topology::world(Rank me) const {
  return tier(static_cast<int>(tiers_.size()) - 1, me);
}

Group Topology::node(Rank me) const {
  return tier(node_tier_, me);
}

Group Topology::rail(Rank me) const {
  const auto place = static_cast<std::size_t>(local_rank(me));
  std::vector<Rank> found;
  for (int group = 0; group < node_count(); ++group) {
    const std::span<const Rank> node = members(node_tier_, group);
    if (place < node.size()) found.push_back(node[place]);
  }
  return {std::move(found), me};
}

bool Topology::uniform(int tier) const {
  return members_.at(static_cast<std::size_t>(tier)).equally_long;
}

Topology Topology::subset(const std::vector<Rank>& members) const {
  std::vector<Tier> kept;
  for (const Tier& tier : tiers_) {
    std::vector<int> labels;
    labels.reserve(members.size());
    for (const Rank rank : members)
      labels.push_back(tier.group_of.at(static_cast<std::size_t>(rank)));
    kept.push_back({tier.name, numbered_by_first_member(labels)});
  }
  leave_out_uneven_inside_nodes(kept);
  return Topology(std::move(kept));
}

}  // namespace motet
