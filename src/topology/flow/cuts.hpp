// Cuts of a fabric: between two sets of ranks, and the worst ones for a collective in which every
// rank has its part to give.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/flow/flow_graph.hpp"

namespace motet {

// All that leaves `from` for the rest: the links that cross have the least capacity of all sets
// with these ranks.
struct Cut {
  std::vector<bool> from;     // by vertex
  std::int64_t capacity = 0;  // in units of the graph
  int ranks = 0;              // in `from`

  bool inside(int vertex) const { return from[vertex]; }
};

// Between the ranks for which `source` is 1 and those for which it is 2; others lie where they cost
// least. Both exist.
Cut least_cut(const FlowGraph& graph, const std::vector<int>& ranks);

// A speed as a fraction of the graph's units.
struct Speed {
  std::int64_t capacity = 0;
  std::int64_t ranks = 1;

  bool operator<(const Speed& other) const {
    return static_cast<__int128>(capacity) * other.ranks <
           static_cast<__int128>(other.capacity) * ranks;
  }
};

// Every rank at once sends to `sink` what it has and what passes through it: the cut that admits
// the least for each rank behind it, if that is less than `known`; else one without vertices. The
// least over all sinks is the optimum of an allgather for each rank (ForestColl, arXiv 2402.06787,
// theorem 1). Dinkelbach's iteration on minimum cuts: exact.
Cut worst_cut_towards(const FlowGraph& graph, Rank sink, Speed known);

// The root sends every other rank its own: the cut that admits the least for each rank beyond it.
Cut worst_cut_from(const FlowGraph& graph, Rank root);

}  // namespace motet
