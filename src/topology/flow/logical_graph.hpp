// Ranks with direct arcs between them that carry as much as the fabric does through its switches:
// what spanning trees are packed in.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "topology/flow/flow_graph.hpp"
#include "topology/flow/max_flow.hpp"

namespace motet {

// Capacities in trees. Every rank is the root of as many trees as `trees` says; they exist as long
// as from a source that feeds every rank so much, the flow to each rank is all that is fed
// (Edmonds), and everything here keeps it so.
class LogicalGraph {
 public:
  // `capacities` of graph.arcs, the same in both directions of a link.
  LogicalGraph(const FlowGraph& graph, const std::vector<std::int64_t>& capacities,
               std::int64_t trees);

  bool holds_all_trees();
  // Replaces arcs (u, w) and (w, t) by (u, t) until the switch w has none: splitting off, as
  // Bang-Jensen, Frank and Jordán prove it possible where as much enters as leaves. Takes pairs
  // whose route passes through w first; what else runs between two ranks is a detour. Each receiver
  // gets `senders` or few more: many make flat trees, but cut what there is into small amounts.
  void remove_switches(const Fabric& fabric, int senders);
  // Takes away detours that are not needed.
  void trim_detours();

  std::int64_t capacity(Rank from, Rank to) const { return direct_[at(from, to)].capacity; }
  std::int64_t detour(Rank from, Rank to) const { return detour_[at(from, to)].capacity; }

 private:
  struct Arc {
    std::int64_t capacity = 0;
    int number = -1;  // in flow_, once there is one
  };
  using Arcs = std::vector<Arc>;

  std::size_t at(int from, int to) const { return static_cast<std::size_t>(from) * vertices_ + to; }
  void change(Arcs& arcs, int from, int to, std::int64_t by);
  std::int64_t demand() const { return trees_ * ranks_; }
  // The flow from the source and `feeds` to all `drains`, as far as `enough`.
  std::int64_t flow(const std::vector<int>& feeds, const std::vector<int>& drains,
                    std::int64_t enough);
  // Which pairs to split off, and which part of what leads to a vertex at a time.
  struct Pass {
    bool routes = true;  // those whose route this is; else the others
    std::int64_t parts = 1;
  };
  void split_off(int middle, const Fabric& fabric, const Pass& pass);
  std::int64_t splittable(int from, int middle, int to, std::int64_t most);

  int vertices_, ranks_;
  std::int64_t trees_;
  Arcs direct_, detour_;  // by (from, to)
  MaxFlow<std::int64_t> flow_;
};

}  // namespace motet
