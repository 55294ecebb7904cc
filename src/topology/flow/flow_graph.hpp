// A fabric as a flow network: vertices, arcs with whole capacities, and which vertices a flow need
// not tell apart.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

struct FlowArc {
  int from = 0, to = 0;
  std::int64_t capacity = 0;
};

// Vertices are the fabric's. Each direction of a link is an arc of its full bandwidth, for shared
// links too: a bound may be too good, never too bad.
struct FlowGraph {
  explicit FlowGraph(const Fabric& fabric);

  int vertices = 0;
  int ranks = 0;
  std::int64_t unit = 1;  // bytes per second that a capacity of one stands for
  std::vector<FlowArc> arcs;
};

// Vertices that all have the same colour and send the same capacity to each class are one class; a
// flow between classes spreads evenly over their members. So flows in the graph of classes are
// flows in the whole graph and the other way round, and have the same maximum.
struct Quotient {
  std::vector<int> class_of;  // by vertex
  std::vector<int> ranks;     // by class: how many of its members are ranks
  std::vector<FlowArc> arcs;  // between classes; capacities of members' arcs added up

  int classes() const { return static_cast<int>(ranks.size()); }
};
// The coarsest in which no class has members of two colours, or both ranks and switches. What is
// the source or the sink of a flow needs a colour of its own.
Quotient quotient(const FlowGraph& graph, const std::vector<int>& colours);

}  // namespace motet
