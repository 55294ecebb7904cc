#include "topology/flow/forest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "topology/flow/bound.hpp"
#include "topology/flow/logical_graph.hpp"
#include "topology/flow/packing.hpp"

namespace motet {
namespace {

using Wide = __int128;

// Capacities counted in trees: `multiple` trees over an arc of `over` units, rounded down.
struct Scale {
  Wide multiple = 1, over = 1;

  std::vector<std::int64_t> apply(const FlowGraph& graph) const {
    std::vector<std::int64_t> capacities;
    capacities.reserve(graph.arcs.size());
    for (const FlowArc& arc : graph.arcs) {
      // More than any demand makes no difference.
      constexpr Wide plenty = 1 << 30;
      const Wide trees = std::min(plenty, arc.capacity * multiple / over);
      capacities.push_back(static_cast<std::int64_t>(trees));
    }
    return capacities;
  }
};

// What a rank can send at best, in units of the graph: x* of the paper.
struct Optimum {
  Wide numerator, denominator;
};

Optimum optimum(const Fabric& fabric, const FlowGraph& graph) {
  const Bound all = bound(fabric, Collective::allgather);
  if (all.numerator == 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("fabric {}: expected links between all ranks", fabric.name()));
  }
  Optimum found{all.numerator, static_cast<Wide>(all.denominator) * graph.ranks * graph.unit};
  Wide a = found.numerator;
  for (Wide b = found.denominator; b != 0;) std::swap(a %= b, b);
  return {found.numerator / a, found.denominator / a};
}

bool holds(const FlowGraph& graph, const Scale& scale, int trees) {
  return LogicalGraph(graph, scale.apply(graph), trees).holds_all_trees();
}

// The least that holds so many trees, to a part in 4,096 of the optimum's.
Scale least_scale(const FlowGraph& graph, const Optimum& best, int trees) {
  constexpr Wide steps = 4096;
  const auto scale = [&](Wide step) {
    return Scale{best.denominator * trees * (steps + step), best.numerator * steps};
  };
  Wide low = -1;  // too little, or nothing
  Wide high = 0;
  for (Wide stride = 1; !holds(graph, scale(high), trees); stride *= 2) {
    low = high;
    high += stride;
  }
  while (high - low > 1) {
    const Wide middle = (low + high) / 2;
    (holds(graph, scale(middle), trees) ? high : low) = middle;
  }
  return scale(high);
}

// S / time where every root's part is cut in pieces that go down the trees along routes.
Bandwidth allgather_speed(const Fabric& fabric, const Forest& forest) {
  std::vector<double> pieces(fabric.links().size());
  for (const Tree& tree : forest.trees) {
    for (const Rank rank : tree.order) {
      if (rank == tree.root) continue;
      for (const int link : fabric.route(tree.parent[rank], rank)) pieces[link] += tree.pieces;
    }
  }
  double longest = 0;  // for S = the number of pieces of all ranks
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    longest = std::max(longest, pieces[i] / fabric.bandwidth(fabric.links()[i]).bytes_per_second);
  }
  return {static_cast<double>(fabric.world_size()) * forest.pieces / longest};
}

Forest pack(const Fabric& fabric, LogicalGraph logical, int trees, int senders) {
  logical.remove_switches(fabric, senders);
  logical.trim_detours();
  Forest forest{.pieces = trees, .trees = pack_trees(logical, fabric.world_size(), trees)};
  for (const Tree& tree : forest.trees) {
    const int height = *std::max_element(tree.depth.begin(), tree.depth.end());
    forest.height = std::max(forest.height, height);
  }
  forest.algbw = allgather_speed(fabric, forest);
  return forest;
}

// Exact where so many trees a rank are enough; odd bandwidths could ask for millions.
constexpr Wide most_trees = 4096;
constexpr int few_trees = 64;  // then

}  // namespace

Forest pack_forest(const Fabric& fabric, int trees_per_rank) {
  if (fabric.world_size() > most_forest_ranks) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("fabric {}: expected at most {} ranks to pack trees for, found {}",
                            fabric.name(), most_forest_ranks, fabric.world_size()));
  }
  if (fabric.world_size() == 1) return {};
  const FlowGraph graph(fabric);
  const Optimum best = optimum(fabric, graph);
  // Capacities are whole and have no common factor, so no fewer trees fill them exactly.
  const bool exact = trees_per_rank == 0 && best.numerator <= most_trees;
  const int trees = trees_per_rank > 0 ? trees_per_rank
                    : exact            ? static_cast<int>(best.numerator)
                                       : few_trees;
  const Scale scale = exact ? Scale{best.denominator, 1} : least_scale(graph, best, trees);
  const LogicalGraph logical(graph, scale.apply(graph), trees);
  Forest dense = pack(fabric, logical, trees, 1);
  // Flatter trees, if they cost nothing; on many ranks they would take minutes to find.
  constexpr int most_ranks = 64;
  if (fabric.world_size() > most_ranks) return dense;
  Forest flat = pack(fabric, logical, trees, 4);
  return flat.algbw >= dense.algbw && flat.height < dense.height ? flat : dense;
}

}  // namespace motet
