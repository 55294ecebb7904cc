#include "topology/flow/cuts.hpp"

#include <algorithm>

#include "topology/flow/max_flow.hpp"

namespace motet {
namespace {

using Wide = __int128;  // capacities times numbers of ranks, twice

constexpr Wide unbounded = MaxFlow<Wide>::unbounded / 2;

// The classes, and two more vertices: where flows begin and end.
class Network {
 public:
  Network(const FlowGraph& graph, const std::vector<int>& colours)
      : graph_(graph), quotient_(quotient(graph, colours)), flow_(quotient_.classes() + 2) {
    for (const FlowArc& arc : quotient_.arcs) flow_.add(arc.from, arc.to, arc.capacity);
    for (int group = 0; group < quotient_.classes(); ++group) {
      flow_.add(source(), group, 0);
      flow_.add(group, sink(), 0);
    }
  }

  int class_of(int vertex) const { return quotient_.class_of[vertex]; }
  int ranks(int group) const { return quotient_.ranks[group]; }
  int classes() const { return quotient_.classes(); }

  void scale(Wide factor) {
    for (std::size_t i = 0; i < quotient_.arcs.size(); ++i) {
      flow_.set(static_cast<int>(i), quotient_.arcs[i].capacity * factor);
    }
  }
  void feed(int group, Wide capacity) { flow_.set(terminal(group), capacity); }
  void drain(int group, Wide capacity) { flow_.set(terminal(group) + 1, capacity); }
  Wide run() { return flow_.run(source(), sink()); }

  // The one that run() met.
  Cut cut() const {
    Cut found{.from = std::vector<bool>(graph_.vertices)};
    for (int vertex = 0; vertex < graph_.vertices; ++vertex) {
      found.from[vertex] = flow_.on_source_side(class_of(vertex));
      if (vertex < graph_.ranks && found.from[vertex]) ++found.ranks;
    }
    for (const FlowArc& arc : quotient_.arcs) {
      if (flow_.on_source_side(arc.from) && !flow_.on_source_side(arc.to)) {
        found.capacity += arc.capacity;
      }
    }
    return found;
  }

 private:
  int source() const { return quotient_.classes(); }
  int sink() const { return quotient_.classes() + 1; }
  int terminal(int group) const { return static_cast<int>(quotient_.arcs.size()) + 2 * group; }

  const FlowGraph& graph_;
  Quotient quotient_;
  MaxFlow<Wide> flow_;
};

std::vector<int> marked(const FlowGraph& graph, Rank rank) {
  std::vector<int> colours(graph.vertices, 0);
  colours[rank] = 1;
  return colours;
}

}  // namespace

Cut least_cut(const FlowGraph& graph, const std::vector<int>& ranks) {
  std::vector<int> colours(graph.vertices, 0);
  std::copy(ranks.begin(), ranks.end(), colours.begin());
  Network network(graph, colours);
  for (Rank rank = 0; rank < graph.ranks; ++rank) {
    if (ranks[rank] == 1) network.feed(network.class_of(rank), unbounded);
    if (ranks[rank] == 2) network.drain(network.class_of(rank), unbounded);
  }
  network.run();
  return network.cut();
}

Cut worst_cut_towards(const FlowGraph& graph, Rank sink, Speed known) {
  Network network(graph, marked(graph, sink));
  network.drain(network.class_of(sink), unbounded);
  Cut worst;
  while (known.capacity > 0) {
    network.scale(known.ranks);
    for (int group = 0; group < network.classes(); ++group) {
      network.feed(group, static_cast<Wide>(known.capacity) * network.ranks(group));
    }
    if (network.run() == static_cast<Wide>(known.capacity) * graph.ranks) break;
    worst = network.cut();
    known = {worst.capacity, worst.ranks};
  }
  return worst;
}

Cut worst_cut_from(const FlowGraph& graph, Rank root) {
  Network network(graph, marked(graph, root));
  network.feed(network.class_of(root), unbounded);
  // What the root's own links admit, for a start.
  std::vector<int> alone(graph.ranks, 2);
  alone[root] = 1;
  Cut worst = least_cut(graph, alone);
  while (worst.capacity > 0) {
    const Wide behind = graph.ranks - worst.ranks;
    network.scale(behind);
    for (int group = 0; group < network.classes(); ++group) {
      const bool is_root = group == network.class_of(root);
      network.drain(group, is_root ? 0 : static_cast<Wide>(worst.capacity) * network.ranks(group));
    }
    if (network.run() == static_cast<Wide>(worst.capacity) * (graph.ranks - 1)) break;
    worst = network.cut();
  }
  return worst;
}

}  // namespace motet
