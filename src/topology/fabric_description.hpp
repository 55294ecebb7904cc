// What the text of a fabric says, line by line: from it follows the graph (fabric.hpp). A value.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "topology/topology_forms.hpp"

namespace motet {

enum class Sharing { full_duplex, shared };

// For how long a message of that many bytes occupies a link.
struct Occupancy {
  double bytes = 0;
  Seconds time{};

  bool operator==(const Occupancy&) const = default;
};

struct LinkClass {
  std::string name;  // "roce"
  Bandwidth bandwidth;
  Seconds latency{};
  Sharing sharing = Sharing::full_duplex;
  // By bytes, ascending, and nowhere faster than `bandwidth`; empty: bytes / bandwidth.
  std::vector<Occupancy> table;

  // As long as the table's first row up to there, linear between rows, at full bandwidth beyond.
  Seconds occupied(double bytes) const;
  bool operator==(const LinkClass&) const = default;
};

// A line that joins the children of every group of a tier: its ranks, or the switches that the
// latest line before has given the groups of tier `of`. A group no
// larger than one of the next smaller tier gets nothing: a node on its own needs no network.
//
//   mesh    a link for each pair of children
//   star    a switch, and a link from each child to it (the word is `switch`)
//   rails   for each position that children have in the next smaller groups a switch: rank i of
//           every node
//   edge    a link between two ranks, by their position in the group
struct Join {
  enum class Kind { mesh, star, rails, edge };
  static constexpr int ranks = -1;

  Kind kind = Kind::mesh;
  int tier = 0;
  int of = ranks;
  int link_class = 0;
  int parallel = 1;
  int first = 0, second = 0;  // edge

  // star, rails: a child whose link is of another class. They are counted over the whole fabric.
  struct Other {
    int child = 0;
    int link_class = 0;

    bool operator==(const Other&) const = default;
  };
  std::vector<Other> others{};

  bool operator==(const Join&) const = default;
};

struct FabricDescription {
  static constexpr Bandwidth unlimited{std::numeric_limits<double>::infinity()};

  std::string name{};
  std::optional<TopologyShape> shape{};  // where the ranks were given in short
  Topology topology;
  std::vector<LinkClass> classes{};
  std::vector<Join> joins{};
  Bandwidth reduce = unlimited, copy = unlimited;
  Seconds step_overhead{};

  bool operator==(const FabricDescription&) const = default;
};

// By group of a tier: whether lines of that tier give it anything (see Join).
std::vector<bool> joined_groups(const Topology& topology, int tier);

// Throws Error{invalid_argument}; see Fabric::from_text.
FabricDescription read_fabric(std::string_view text, std::span<const std::string> settings);
std::string to_text(const FabricDescription& description);
std::string to_text(const FabricDescription& description, const Join& line);

}  // namespace motet
