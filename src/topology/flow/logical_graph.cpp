#include "topology/flow/logical_graph.hpp"

#include <algorithm>

namespace motet {
namespace {

constexpr std::int64_t without_end = MaxFlow<std::int64_t>::unbounded / 4;

}  // namespace

LogicalGraph::LogicalGraph(const FlowGraph& graph, const std::vector<std::int64_t>& capacities,
                           std::int64_t trees)
    : vertices_(graph.vertices),
      ranks_(graph.ranks),
      trees_(trees),
      direct_(static_cast<std::size_t>(vertices_) * vertices_),
      detour_(direct_.size()),
      flow_(vertices_ + 2) {
  for (int vertex = 0; vertex < vertices_; ++vertex) {
    flow_.add(vertices_, vertex, vertex < ranks_ ? trees : 0);  // number 2 * vertex
    flow_.add(vertex, vertices_ + 1, 0);                        // number 2 * vertex + 1
  }
  for (std::size_t i = 0; i < graph.arcs.size(); ++i) {
    change(direct_, graph.arcs[i].from, graph.arcs[i].to, capacities[i]);
  }
}

void LogicalGraph::change(Arcs& arcs, int from, int to, std::int64_t by) {
  if (from == to) return;
  Arc& arc = arcs[at(from, to)];
  arc.capacity += by;
  if (arc.number < 0) arc.number = flow_.add(from, to, 0);
  flow_.set(arc.number, arc.capacity);
}

std::int64_t LogicalGraph::flow(const std::vector<int>& feeds, const std::vector<int>& drains,
                                std::int64_t enough) {
  for (const int vertex : feeds) flow_.set(2 * vertex, without_end);
  for (const int vertex : drains) flow_.set(2 * vertex + 1, without_end);
  const std::int64_t found = flow_.run(vertices_, vertices_ + 1, enough);
  for (const int vertex : feeds) flow_.set(2 * vertex, vertex < ranks_ ? trees_ : 0);
  for (const int vertex : drains) flow_.set(2 * vertex + 1, 0);
  return found;
}

bool LogicalGraph::holds_all_trees() {
  for (Rank rank = 0; rank < ranks_; ++rank) {
    if (flow({}, {rank}, demand()) < demand()) return false;
  }
  return true;
}

void LogicalGraph::remove_switches(const Fabric& fabric, int senders) {
  for (int middle = ranks_; middle < vertices_; ++middle) {
    if (senders > 1) split_off(middle, fabric, {.routes = true, .parts = senders});
    split_off(middle, fabric, {.routes = true});
    split_off(middle, fabric, {.routes = false});
  }
}

void LogicalGraph::split_off(int middle, const Fabric& fabric, const Pass& pass) {
  const auto on_route = [&](int from, int to) {
    if (from == to) return false;
    if (from >= ranks_ || to >= ranks_) return true;
    const std::vector<int> route = fabric.route(from, to);
    return std::any_of(route.begin(), route.end(),
                       [&](int link) { return fabric.links()[link].to == middle; });
  };
  for (int to = 0; to < vertices_; ++to) {
    // Less than all trees of a root would only cut them up.
    const std::int64_t most = std::max<std::int64_t>(trees_, capacity(middle, to) / pass.parts);
    // Beginning at `to` gives every receiver another sender, and lets go first of what would lead
    // back.
    for (int i = 0; i < vertices_ && capacity(middle, to) > 0; ++i) {
      const int from = (to + i) % vertices_;
      if (capacity(from, middle) == 0 || on_route(from, to) != pass.routes) continue;
      const std::int64_t amount = splittable(from, middle, to, most);
      change(direct_, from, middle, -amount);
      change(direct_, middle, to, -amount);
      change(pass.routes ? direct_ : detour_, from, to, amount);
    }
  }
}

// Splitting takes capacity from the sets that hold both ends and not the middle, or the middle and
// neither end; of these, sets that lack a rank must keep what is demanded.
std::int64_t LogicalGraph::splittable(int from, int middle, int to, std::int64_t most) {
  most = std::min({most, capacity(from, middle), capacity(middle, to)});
  const auto limit = [&](std::vector<int> feeds, std::vector<int> drains) {
    // Without another rank beyond the cut there is less, so that this much is enough.
    if (flow(feeds, drains, demand() + most) == demand() + most) return;
    drains.push_back(0);
    for (Rank rank = 0; rank < ranks_ && most > 0; ++rank) {
      if (std::find(feeds.begin(), feeds.end(), rank) != feeds.end()) continue;
      drains.back() = rank;
      most = std::min(most, flow(feeds, drains, demand() + most) - demand());
    }
  };
  limit({from, to}, {middle});
  if (most > 0) limit({middle}, {from, to});
  return most;
}

void LogicalGraph::trim_detours() {
  for (Rank from = 0; from < ranks_; ++from) {
    for (Rank to = 0; to < ranks_; ++to) {
      const std::int64_t amount = detour(from, to);
      if (amount == 0) continue;
      const std::int64_t spare = flow({from}, {to}, demand() + amount) - demand();
      change(detour_, from, to, -spare);
    }
  }
}

}  // namespace motet
