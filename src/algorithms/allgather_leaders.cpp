#include "algorithms/allgather_leaders.hpp"

#include <algorithm>
#include <vector>

namespace motet {

namespace {

// By node, in the order of its first ranks.
std::vector<std::vector<Rank>> ranks_of_nodes(const Topology& topology) {
  std::vector<std::vector<Rank>> nodes(static_cast<std::size_t>(topology.node_count()));
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    nodes[static_cast<std::size_t>(topology.node_of(rank))].push_back(rank);
  }
  return nodes;
}

// What the nodes have, where the ranks of each follow those of the one before.
Shares shares_of_nodes(const Problem& p, Slice whole, const std::vector<std::vector<Rank>>& nodes) {
  std::vector<std::size_t> counts;
  for (const std::vector<Rank>& ranks : nodes) {
    counts.push_back(p.parts.count(ranks.front(), static_cast<int>(ranks.size())));
  }
  return {whole, Parts::each(counts)};
}

// The part of the k-th rank of each node, if it has so many.
Shares parts_of_nodes(const Problem& p, Slice whole, const std::vector<std::vector<Rank>>& nodes,
                      std::size_t k) {
  const Shares parts(whole, p.parts);
  std::vector<Slice> slices;
  for (const std::vector<Rank>& ranks : nodes) {
    slices.push_back(k < ranks.size() ? parts.at(ranks[k]) : whole.sub(0, 0));
  }
  return Shares::apart(std::move(slices));
}

void exchange(const Problem& p, ScheduleBuilder& b, Rank me, Via via) {
  const std::vector<std::vector<Rank>> nodes = ranks_of_nodes(p.topology);
  std::vector<Rank> leaders;
  std::size_t most = 0;
  bool in_order = true;
  for (const std::vector<Rank>& ranks : nodes) {
    leaders.push_back(ranks.front());
    most = std::max(most, ranks.size());
    in_order &= ranks.back() - ranks.front() + 1 == static_cast<int>(ranks.size());
  }
  const Group group(leaders, me);
  const auto gather = [&](const Shares& all) {
    circulant_allgather(b, group, {all.at(group.index()), all}, via);
  };
  if (in_order) return gather(shares_of_nodes(p, b.output(), nodes));
  for (std::size_t k = 0; k < most; ++k) gather(parts_of_nodes(p, b.output(), nodes, k));
}

}  // namespace

void build_leaders_allgather(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = problem.params.mover};
  const Group node = problem.topology.node(me);
  const Rank leader = node.at(0);
  if (me != leader) {
    b.send(leader, b.input(), via);
    b.recv(leader, b.output(), via);
    return;
  }
  const Shares all(b.output(), problem.parts);
  b.copy(b.input(), all.at(me));
  for (int k = 1; k < node.size(); ++k) b.recv(node.at(k), all.at(node.at(k)), via);
  exchange(problem, b, me, via);
  send_to_all(b, node, b.output(), via);
}

}  // namespace motet
