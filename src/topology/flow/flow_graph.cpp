#include "topology/flow/flow_graph.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace motet {
namespace {

std::int64_t whole_bytes(Bandwidth bandwidth) {
  return std::max<std::int64_t>(1, std::llround(bandwidth.bytes_per_second));
}

// Colours of all vertices, from 0 without gaps, by their signatures in the order of vertices.
template <class Signature>
std::vector<int> numbered(const std::vector<Signature>& signatures) {
  std::map<Signature, int> numbers;
  std::vector<int> colours;
  colours.reserve(signatures.size());
  for (const Signature& signature : signatures) {
    const int next = static_cast<int>(numbers.size());
    colours.push_back(numbers.try_emplace(signature, next).first->second);
  }
  return colours;
}

using Capacities = std::vector<std::pair<int, std::int64_t>>;  // to each colour, ascending

void add_up(Capacities& all) {
  std::sort(all.begin(), all.end());
  std::size_t last = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i].first == all[last].first) {
      all[last].second += all[i].second;
    } else {
      all[++last] = all[i];
    }
  }
  if (!all.empty()) all.resize(last + 1);
}

std::vector<int> refined(const FlowGraph& graph, const std::vector<int>& colours) {
  std::vector<std::pair<int, Capacities>> signatures(graph.vertices);
  for (int vertex = 0; vertex < graph.vertices; ++vertex)
    signatures[vertex].first = colours[vertex];
  for (const FlowArc& arc : graph.arcs) {
    signatures[arc.from].second.emplace_back(colours[arc.to], arc.capacity);
  }
  for (auto& [colour, capacities] : signatures) add_up(capacities);
  return numbered(signatures);
}

int count(const std::vector<int>& colours) {
  return 1 + *std::max_element(colours.begin(), colours.end());
}

}  // namespace

FlowGraph::FlowGraph(const Fabric& fabric)
    : vertices(fabric.vertex_count()), ranks(fabric.world_size()) {
  std::int64_t common = 0;
  arcs.reserve(fabric.links().size());
  for (const Link& link : fabric.links()) {
    arcs.push_back({link.from, link.to, whole_bytes(fabric.bandwidth(link))});
    common = std::gcd(common, arcs.back().capacity);
  }
  unit = std::max<std::int64_t>(1, common);
  for (FlowArc& arc : arcs) arc.capacity /= unit;
}

Quotient quotient(const FlowGraph& graph, const std::vector<int>& colours) {
  std::vector<std::pair<int, bool>> start(graph.vertices);
  for (int vertex = 0; vertex < graph.vertices; ++vertex) {
    start[vertex] = {colours[vertex], vertex < graph.ranks};
  }
  Quotient result;
  result.class_of = numbered(start);
  for (int classes = 0; classes < count(result.class_of);) {
    classes = count(result.class_of);
    result.class_of = refined(graph, result.class_of);
  }
  result.ranks.assign(count(result.class_of), 0);
  for (Rank rank = 0; rank < graph.ranks; ++rank) ++result.ranks[result.class_of[rank]];
  std::map<std::pair<int, int>, std::int64_t> between;
  for (const FlowArc& arc : graph.arcs) {
    const std::pair ends(result.class_of[arc.from], result.class_of[arc.to]);
    if (ends.first != ends.second) between[ends] += arc.capacity;
  }
  for (const auto& [ends, capacity] : between) {
    result.arcs.push_back({ends.first, ends.second, capacity});
  }
  return result;
}

}  // namespace motet
