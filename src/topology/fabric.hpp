// What joins the ranks: an immutable graph of ranks and switches with links of known speed. The
// simulator sends messages along its routes, bounds and tree packing read it as a flow network, and
// the planner takes its costs from it. A value with a text form that parses back
// (docs/fabrics.md):
//
//   # Huawei Atlas 900: eight Ascend 910 a node, two groups of four.
//   fabric atlas900
//   ranks 128 nodes x 2 groups x 4
//   class hccs   30 GB/s    1.5 us
//   class lane   16 GB/s    0 us
//   class pcie   32 GB/s    3 us
//   class roce   12.5 GB/s  2.5 us
//   mesh   group hccs              # a link for each pair of ranks of one group
//   switch group lane              # a switch in each group, a link from each rank to it
//   mesh   node  pcie of group     # a link for each pair of those switches within a node
//   switch world roce              # one switch, a link from each rank
//   reduce 200 GB/s
//
// A link carries its class's bandwidth in each direction (`shared`: both directions together).
// Latencies along a route add up; a message of m bytes occupies each link on it for
// m / bandwidth, or for what the class's table says:
// `class tcp 2.5 GB/s 15 us, 1 KiB 4 us, 64 KiB 30 us`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topology/fabric_description.hpp"

namespace motet {

// A rank (its number) or, from world_size() on, a switch.
using Vertex = int;

// One direction of a link. The other direction is links()[reverse].
struct Link {
  Vertex from = 0, to = 0;
  int link_class = 0;
  int parallel = 1;  // as many of them, used as one
  int reverse = 0;
  int tier = 0;  // into topology().tiers(): the innermost that holds all ranks at both ends

  bool operator==(const Link&) const = default;
};

class Fabric {
 public:
  // `settings` change what the text says, as a user of a finished file wants to: "roce=25 GB/s",
  // "roce.latency=4us", "nodes=16", "reduce=100GB/s". Throws Error{invalid_argument} naming line,
  // column and what was expected.
  static Fabric from_text(std::string_view text, std::span<const std::string> settings = {});
  std::string to_text() const { return motet::to_text(description_); }

  const std::string& name() const { return description_.name; }
  const Topology& topology() const { return description_.topology; }
  int world_size() const { return topology().world_size(); }
  int vertex_count() const { return static_cast<int>(first_leaving_.size()) - 1; }
  bool is_switch(Vertex vertex) const { return vertex >= world_size(); }
  const std::vector<LinkClass>& classes() const { return description_.classes; }
  const LinkClass& class_of(const Link& link) const { return classes()[link.link_class]; }
  const std::vector<Link>& links() const { return links_; }
  // Indices into links() of those that leave a vertex, by ascending Link::to.
  std::span<const int> leaving(Vertex vertex) const;
  Bandwidth bandwidth(const Link& link) const;
  // Whether links lead from every rank to every other one, if ranks forward.
  bool connected() const;
  // "rank 5", "roce switch of world", "lane switch of node 3".
  std::string label(Vertex vertex) const;

  // The links from one rank to another, in order: a direct one if there is one, else up through
  // switches, over at most one link between two switches, and down; of these ways the one with the
  // least latency, then the most bandwidth, then the fewest links and lowest numbers. Empty for a
  // rank and itself. Throws Error{unavailable} where there is none. Does not depend on the size of
  // the fabric, but for a logarithm; threads may call it at once.
  std::vector<int> route(Rank from, Rank to) const;

  // Of a rank's processor.
  Bandwidth reduce() const { return description_.reduce; }
  Bandwidth copy() const { return description_.copy; }
  Seconds step_overhead() const { return description_.step_overhead; }

  const FabricDescription& description() const { return description_; }
  bool operator==(const Fabric& other) const { return description_ == other.description_; }

 private:
  friend class FabricGraph;

  struct Switch {
    Rank first_rank = 0;  // the lowest below it
    int line = 0;         // of description().joins, which made it
  };
  struct Climb;
  struct Way;

  explicit Fabric(FabricDescription description) : description_(std::move(description)) {}

  const Switch& switch_at(Vertex vertex) const { return switches_[vertex - world_size()]; }
  const Join& join_of(Vertex vertex) const { return description_.joins[switch_at(vertex).line]; }
  bool goes_up(const Link& link) const;
  Climb after(const Climb& step, int link) const;
  std::vector<Climb> climb(Rank from) const;
  // Of the links between two vertices the one a route takes; -1 if there is none.
  int best_link(Vertex from, Vertex to) const;
  int link_of_equals(Vertex from, Vertex to) const;

  // The graph follows from the description alone.
  FabricDescription description_;
  std::vector<Switch> switches_;
  std::vector<Link> links_;
  std::vector<int> leaving_, first_leaving_;  // links by vertex; where those of a vertex begin
  std::vector<int> up_, first_up_;            // of those, the ones to a switch above
};

}  // namespace motet
