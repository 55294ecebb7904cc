// Who sits where: an immutable value, the same on every rank, with a text form that parses back.
//
// A tier partitions the ranks; tiers are nested, innermost first ("package" < "node" < "pod"). The
// last one, "world", holds everybody and is always there. Short text: "4 nodes x 8", "2 pods x 4
// nodes x 8" (outermost first; ranks are numbered depth first). Recorded machines have a line per
// rank (to_text).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "topology/group.hpp"

namespace motet {

struct Tier {
  std::string name;  // "node", "pod", "world"
  std::vector<int>
      group_of;  // by rank: which group of this tier it is in; numbered by first member

  bool operator==(const Tier&) const = default;
};

class Topology {
 public:
  // Everyone on one node.
  static Topology single_node(int world_size);
  // node_of[rank] is any label; ranks with equal labels share a node.
  static Topology from_nodes(const std::vector<int>& node_of);
  // Innermost first, "node" among them and no "world"; any labels, each counting inside its
  // enclosing group. Tiers inside nodes whose groups differ in size are left out.
  static Topology from_tiers(std::vector<Tier> labelled);
  // Both text forms. Throws Error{invalid_argument} naming line, column and what was expected.
  static Topology from_text(std::string_view text);
  std::string to_text() const;

  int world_size() const { return static_cast<int>(tiers_.back().group_of.size()); }
  int node_count() const;
  int node_of(Rank rank) const;
  int local_rank(Rank rank) const;  // position among the ranks of its node
  const std::vector<Tier>& tiers() const { return tiers_; }

  // The ranks of a group of tiers()[tier], in their order; O(1), as long as this topology lives.
  std::span<const Rank> members(int tier, int group) const;
  // The groups of the next inner tier that make up a group of this one, in the order of their first
  // members; of the innermost tier its ranks.
  std::span<const int> subgroups(int tier, int group) const;

  Group world(Rank me) const;
  Group node(Rank me) const;
  // My group in tiers()[tier].
  Group tier(int tier, Rank me) const;
  // The ranks with my local rank on every node that has one, in the order of nodes.
  Group rail(Rank me) const;
  // Whether all groups of this tier have the same number of members.
  bool uniform(int tier) const;
  bool uniform_nodes() const { return uniform(node_tier_); }

  // The topology of a sub-communicator: rank i of it is members[i] here. Tiers inside nodes whose
  // groups differ in size now are left out.
  Topology subset(const std::vector<Rank>& members) const;

  bool operator==(const Topology& other) const { return tiers_ == other.tiers_; }

 private:
  friend struct TopologyShape;
  friend Topology read_topology_lines(class Reader& reader);

  // Some numbers for each group of a tier, one group after the other.
  struct Lists {
    std::vector<int> numbers;
    std::vector<std::size_t> first;  // by group, and the end
    bool equally_long = true;

    // labels[i] is the group that number i belongs to.
    explicit Lists(const std::vector<int>& labels);
    std::span<const int> of(int group) const;
    int count() const { return static_cast<int>(first.size()) - 1; }
  };

  explicit Topology(std::vector<Tier> tiers);
  void check() const;

  std::vector<Tier> tiers_;
  // Found once, so that what a rank asks costs as much as the answer is long. By tier.
  std::vector<Lists> members_, subgroups_;
  int node_tier_ = 0;
};

}  // namespace motet
