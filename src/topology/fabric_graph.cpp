#include "topology/fabric_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "base/error.hpp"

namespace motet {
namespace {

constexpr std::size_t most_links = 1 << 22;  // both directions counted: 100 MiB

// The vertices of one group after the other, in their order.
struct Buckets {
  std::vector<Vertex> vertices;
  std::vector<std::size_t> first;  // by group, and the end

  std::span<const Vertex> of(std::size_t group) const {
    return std::span(vertices).subspan(first[group], first[group + 1] - first[group]);
  }
};

template <class GroupOf>
Buckets bucketed(const std::vector<Vertex>& all, std::size_t groups, GroupOf group_of) {
  Buckets buckets{std::vector<Vertex>(all.size()), std::vector<std::size_t>(groups + 1, 0)};
  for (const Vertex vertex : all) ++buckets.first[group_of(vertex) + 1];
  std::partial_sum(buckets.first.begin(), buckets.first.end(), buckets.first.begin());
  std::vector<std::size_t> next(buckets.first.begin(), buckets.first.end() - 1);
  for (const Vertex vertex : all) buckets.vertices[next[group_of(vertex)]++] = vertex;
  return buckets;
}

}  // namespace

void FabricGraph::draw_all() {
  const FabricDescription& description = fabric_.description_;
  given_.resize(description.topology.tiers().size());
  for (line_ = 0; line_ < static_cast<int>(description.joins.size()); ++line_) {
    draw_join(description.joins[line_]);
  }
  index();
}

void FabricGraph::draw_join(const Join& join) {
  const Topology& topology = fabric_.topology();
  const std::vector<Vertex> children = children_of(join);
  if (!children.empty()) first_child_ = children.front();
  const std::vector<bool> joined = joined_groups(topology, join.tier);
  if (std::ranges::any_of(joined, std::identity())) check_others(join, children);
  const std::vector<int>& groups = topology.tiers()[join.tier].group_of;
  const Buckets buckets =
      bucketed(children, joined.size(), [&](Vertex child) { return groups[first_rank(child)]; });
  if (join.kind == Join::Kind::star || join.kind == Join::Kind::rails) given_[join.tier].clear();
  for (std::size_t group = 0; group < joined.size(); ++group) {
    if (joined[group]) draw_group(join, buckets.of(group));
  }
}

std::vector<Vertex> FabricGraph::children_of(const Join& join) const {
  if (join.of != Join::ranks) return given_[join.of];
  std::vector<Vertex> ranks(fabric_.world_size());
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

void FabricGraph::draw_group(const Join& join, std::span<const Vertex> children) {
  switch (join.kind) {
    case Join::Kind::mesh:
      for (std::size_t i = 0; i < children.size(); ++i) {
        for (std::size_t j = i + 1; j < children.size(); ++j) {
          add_link(join, join.link_class, children[i], children[j]);
        }
      }
      return;
    case Join::Kind::star:
      return add_star(join, children);
    case Join::Kind::rails:
      return add_rails(join, children);
    case Join::Kind::edge:
      return add_link(join, join.link_class, children[join.first], children[join.second]);
  }
}

void FabricGraph::add_star(const Join& join, std::span<const Vertex> children) {
  if (children.empty()) return;  // what they hang on gave this group nothing
  const Vertex center = fabric_.world_size() + static_cast<Vertex>(fabric_.switches_.size());
  fabric_.switches_.push_back({first_rank(children.front()), line_});
  given_[join.tier].push_back(center);
  for (const Vertex child : children) {
    const auto other = std::ranges::find(join.others, child - first_child_, &Join::Other::child);
    add_link(join, other == join.others.end() ? join.link_class : other->link_class, child, center);
  }
}

void FabricGraph::check_others(const Join& join, std::span<const Vertex> children) const {
  if (join.others.empty() || children.empty()) return;
  const int last = join.others.back().child;
  if (last < static_cast<int>(children.size())) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("fabric {}: expected 0 to {}, not {} in the line '{}'", fabric_.name(),
                          children.size() - 1, last, to_text(fabric_.description_, join)));
}

void FabricGraph::add_rails(const Join& join, std::span<const Vertex> children) {
  const auto inner = [&](Vertex child) {
    const Rank rank = first_rank(child);
    return join.tier == 0 ? rank : fabric_.topology().tiers()[join.tier - 1].group_of[rank];
  };
  std::map<int, std::size_t> seen;  // children by smaller group
  std::vector<std::vector<Vertex>> rails;
  for (const Vertex child : children) {
    const std::size_t position = seen[inner(child)]++;
    if (position == rails.size()) rails.emplace_back();
    rails[position].push_back(child);
  }
  for (const std::vector<Vertex>& rail : rails) add_star(join, rail);
}

void FabricGraph::add_link(const Join& join, int link_class, Vertex a, Vertex b) {
  if (fabric_.links_.size() + 2 > most_links) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("fabric {}: expected at most {} links, not what the line '{}' asks for",
                            fabric_.name(), most_links / 2, to_text(fabric_.description_, join)));
  }
  const int number = static_cast<int>(fabric_.links_.size());
  const int tier = tier_of(a, b);
  fabric_.links_.push_back({a, b, link_class, join.parallel, number + 1, tier});
  fabric_.links_.push_back({b, a, link_class, join.parallel, number, tier});
}

int FabricGraph::tier_of(Vertex a, Vertex b) const {
  const auto own = [&](Vertex vertex) {
    return fabric_.is_switch(vertex) ? fabric_.join_of(vertex).tier : 0;
  };
  int tier = std::max(own(a), own(b));
  const auto& tiers = fabric_.topology().tiers();
  const auto together = [&](const std::vector<int>& group_of) {
    return group_of[first_rank(a)] == group_of[first_rank(b)];
  };
  while (!together(tiers[tier].group_of)) ++tier;
  return tier;
}

Rank FabricGraph::first_rank(Vertex vertex) const {
  return fabric_.is_switch(vertex) ? fabric_.switches_[vertex - fabric_.world_size()].first_rank
                                   : vertex;
}

void FabricGraph::index() {
  const std::vector<Link>& links = fabric_.links_;
  const std::size_t vertices = fabric_.world_size() + fabric_.switches_.size();
  std::vector<int> all(links.size());
  std::iota(all.begin(), all.end(), 0);
  std::stable_sort(all.begin(), all.end(), [&](int a, int b) {
    return std::pair(links[a].from, links[a].to) < std::pair(links[b].from, links[b].to);
  });
  const auto first_of = [&](const std::vector<int>& sorted) {
    std::vector<int> first(vertices + 1, 0);
    for (const int link : sorted) ++first[links[link].from + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    return first;
  };
  fabric_.leaving_ = all;
  fabric_.first_leaving_ = first_of(all);
  std::erase_if(all, [&](int link) { return !fabric_.goes_up(links[link]); });
  fabric_.first_up_ = first_of(all);
  fabric_.up_ = std::move(all);
}

}  // namespace motet
