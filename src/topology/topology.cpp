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

int group_count(const Tier& tier) {
  return 1 + *std::max_element(tier.group_of.begin(), tier.group_of.end());
}

const Tier& node_tier(const std::vector<Tier>& tiers) {
  return *std::find_if(tiers.begin(), tiers.end(), [](const Tier& t) { return t.name == "node"; });
}

bool nested(const Tier& inner, const Tier& outer) {
  std::vector<int> outer_of(static_cast<std::size_t>(group_count(inner)), -1);
  for (std::size_t rank = 0; rank < inner.group_of.size(); ++rank) {
    int& known = outer_of[static_cast<std::size_t>(inner.group_of[rank])];
    if (known >= 0 && known != outer.group_of[rank]) return false;
    known = outer.group_of[rank];
  }
  return true;
}

}  // namespace

Topology::Topology(std::vector<Tier> tiers) : tiers_(std::move(tiers)) {
  MOTET_ASSERT(!tiers_.empty() && tiers_.back().name == "world", "the last tier is the world");
  MOTET_ASSERT(world_size() > 0, "a topology has at least one rank");
  const bool has_nodes = std::any_of(tiers_.begin(), tiers_.end(),
                                     [](const Tier& tier) { return tier.name == "node"; });
  MOTET_ASSERT(has_nodes, "a topology has a tier of nodes");
  for (std::size_t i = 0; i + 1 < tiers_.size(); ++i) {
    MOTET_ASSERT(tiers_[i].group_of.size() == tiers_.back().group_of.size(),
                 "every tier places every rank");
    MOTET_ASSERT(nested(tiers_[i], tiers_[i + 1]), "every tier lies inside the next");
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
  return Topology(std::move(labelled));
}

int Topology::node_count() const {
  return group_count(node_tier(tiers_));
}

int Topology::node_of(Rank rank) const {
  return node_tier(tiers_).group_of.at(static_cast<std::size_t>(rank));
}

int Topology::local_rank(Rank rank) const {
  const std::vector<int>& nodes = node_tier(tiers_).group_of;
  return static_cast<int>(std::count(nodes.begin(), nodes.begin() + rank, node_of(rank)));
}

Group Topology::tier(int tier, Rank me) const {
  const std::vector<int>& group_of = tiers_.at(static_cast<std::size_t>(tier)).group_of;
  const int mine = group_of.at(static_cast<std::size_t>(me));
  std::vector<Rank> members;
  for (Rank rank = 0; rank < world_size(); ++rank) {
    if (group_of[static_cast<std::size_t>(rank)] == mine) members.push_back(rank);
  }
  return {std::move(members), me};
}

Group Topology::world(Rank me) const {
  return tier(static_cast<int>(tiers_.size()) - 1, me);
}

Group Topology::node(Rank me) const {
  return tier(static_cast<int>(&node_tier(tiers_) - tiers_.data()), me);
}

Group Topology::rail(Rank me) const {
  const std::vector<int>& nodes = node_tier(tiers_).group_of;
  const auto node_total = static_cast<std::size_t>(node_count());
  const int wanted = local_rank(me);
  std::vector<int> seen(node_total, 0);
  std::vector<Rank> on_node(node_total, -1);
  for (Rank rank = 0; rank < world_size(); ++rank) {
    const auto node = static_cast<std::size_t>(nodes[static_cast<std::size_t>(rank)]);
    if (seen[node]++ == wanted) on_node[node] = rank;
  }
  on_node.erase(std::remove(on_node.begin(), on_node.end(), -1), on_node.end());
  return {std::move(on_node), me};
}

bool Topology::uniform(int tier) const {
  const Tier& asked = tiers_.at(static_cast<std::size_t>(tier));
  std::vector<int> sizes(static_cast<std::size_t>(group_count(asked)), 0);
  for (const int group : asked.group_of) ++sizes[static_cast<std::size_t>(group)];
  return std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) == sizes.end();
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
  return Topology(std::move(kept));
}

}  // namespace motet
