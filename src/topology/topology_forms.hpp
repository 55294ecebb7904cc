// The two text forms of a topology, for texts that contain one. See topology_text.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "topology/reader.hpp"
#include "topology/topology.hpp"

namespace motet {

// The short form: "2 pods x 4 nodes x 8".
struct TopologyShape {
  struct Level {
    std::string tier;        // singular
    std::int64_t count = 1;  // in each group of the level before

    bool operator==(const Level&) const = default;
  };
  std::vector<Level> levels;  // outermost first
  std::int64_t ranks = 1;     // in each group of the last level

  // Throws Error{invalid_argument} if that is fewer than one rank or more than Motet bears.
  Topology topology() const;
  std::string to_text() const;
  bool operator==(const TopologyShape&) const = default;
};

// What stands on this line. The tier of nodes is there.
TopologyShape read_topology_shape(Reader& reader);
// The lines "rank 0: node 0" that follow one another here, at least one.
Topology read_topology_lines(Reader& reader);
std::string topology_lines_text(const Topology& topology);

}  // namespace motet
