// Algorithms in which the first rank of each node speaks for it.
#include <algorithm>
#include <utility>
#include <vector>

#include "algorithms/allgather_leaders.hpp"
#include "algorithms/allreduce_leaders.hpp"
#include "algorithms/allreduce_leaders_circulant.hpp"
#include "algorithms/fold.hpp"
#include "algorithms/parts.hpp"

namespace motet {

namespace {

// The ranks of each node, nodes in the order of their first ones.
using Nodes = std::vector<std::vector<Rank>>;

Nodes nodes_of(const Topology& topology) {
  Nodes nodes(static_cast<std::size_t>(topology.node_count()));
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    nodes[static_cast<std::size_t>(topology.node_of(rank))].push_back(rank);
  }
  return nodes;
}

// Whether the ranks of each node follow those of the one before.
bool in_order(const Nodes& nodes) {
  return std::ranges::all_of(nodes, [](const std::vector<Rank>& ranks) {
    return ranks.back() - ranks.front() + 1 == static_cast<Rank>(ranks.size());
  });
}

// What the nodes have, if they are in order.
Shares shares_of_nodes(const Problem& p, Slice whole, const Nodes& nodes) {
  std::vector<std::size_t> counts;
  for (const std::vector<Rank>& ranks : nodes) {
    counts.push_back(p.parts.count(ranks.front(), static_cast<int>(ranks.size())));
  }
  return {whole, Parts::each(counts)};
}

// The part of the k-th rank of each node, if it has so many.
Shares parts_of_nodes(const Problem& p, Slice whole, const Nodes& nodes, std::size_t k) {
  const Shares parts(whole, p.parts);
  std::vector<Slice> slices;
  for (const std::vector<Rank>& ranks : nodes) {
    slices.push_back(k < ranks.size() ? parts.at(ranks[k]) : whole.sub(0, 0));
  }
  return Shares::apart(std::move(slices));
}

void exchange_parts(const Problem& p, ScheduleBuilder& b, const Group& leaders, Via via) {
  const auto gather = [&](const Shares& all) {
    circulant_allgather(b, leaders, {all.at(leaders.index()), all}, via);
  };
  const Nodes nodes = nodes_of(p.topology);
  if (in_order(nodes)) return gather(shares_of_nodes(p, b.output(), nodes));
  std::size_t most = 0;
  for (const std::vector<Rank>& ranks : nodes) most = std::max(most, ranks.size());
  for (std::size_t k = 0; k < most; ++k) gather(parts_of_nodes(p, b.output(), nodes, k));
}

// What a rank does that leads no node. False: it leads one.
bool follows(ScheduleBuilder& b, const Group& node, Via via) {
  if (node.first()) return false;
  b.send(node.at(0), b.input(), via);
  b.recv(node.at(0), b.output(), via);
  return true;
}

}  // namespace

void build_leaders_allgather(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = problem.params.mover};
  const Group node = problem.topology.node(me);
  if (follows(b, node, via)) return;
  const Shares all(b.output(), problem.parts);
  b.copy(b.input(), all.at(me));
  for (int k = 1; k < node.size(); ++k) b.recv(node.at(k), all.at(node.at(k)), via);
  exchange_parts(problem, b, problem.topology.rail(me), via);
  send_to_all(b, node, b.output(), via);
}

void build_leaders_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = problem.params.mover};
  const Group node = problem.topology.node(me);
  if (follows(b, node, via)) return;
  combine_all(b, node, {b.input(), b.output(), Order::by_rank}, via);
  doubling_allreduce(b, problem.topology.rail(me), b.output(), b.output());
  send_to_all(b, node, b.output(), via);
}

void build_leaders_circulant_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = problem.params.mover};
  const Group node = problem.topology.node(me);
  if (follows(b, node, via)) return;
  combine_all(b, node, {b.input(), b.output(), Order::by_rank}, via);
  const Group leaders = problem.topology.rail(me);
  const Shares all = Shares::even(b.output(), leaders.size());
  const Slice mine = all.at(leaders.index());
  circulant_reduce_scatter(b, leaders, {all, all, mine}, via);
  circulant_allgather(b, leaders, {mine, all}, via);
  send_to_all(b, node, b.output(), via);
}

}  // namespace motet
