// Fabrics and problems that the tests of the simulator share.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "algorithms/list.hpp"
#include "simulate/simulate.hpp"

namespace motet {

// n ranks around a switch: alpha 2 us, 10 GB/s, and what `more` lines say.
inline Fabric around_a_switch(int n, std::string_view more = "") {
  return Fabric::from_text(fmt::format(
      "fabric flat\nranks 1 nodes x {}\nclass wire 10 GB/s 1 us\nswitch node wire\n{}", n, more));
}

// n ranks with a link for each pair: alpha 2 us, 10 GB/s.
inline Fabric full_mesh(int n, std::string_view more = "") {
  return Fabric::from_text(fmt::format(
      "fabric mesh\nranks 1 nodes x {}\nclass wire 10 GB/s 2 us\nmesh node wire\n{}", n, more));
}

// Two kinds of links in nodes of two groups, one between nodes.
inline Fabric nodes_of_groups(int nodes, std::string_view more = "") {
  return Fabric::from_text(
      fmt::format("fabric tiers\nranks {} nodes x 2 groups x 2\n"
                  "class fast 30 GB/s 1.5 us\nclass lane 16 GB/s 0 us\nclass slow 20 GB/s 3 us\n"
                  "class net 12.5 GB/s 2.5 us\nmesh group fast\nswitch group lane\n"
                  "mesh node slow of group\nswitch world net\n{}",
                  nodes, more));
}

inline Problem problem_on(const Fabric& fabric, Collective collective, std::size_t count,
                          const Params& params = {}) {
  return {.topology = fabric.topology(),
          .collective = collective,
          .parts = Parts::even(count, fabric.world_size()),
          .element_bytes = 4,
          .params = params,
          .fabric = &fabric};
}

inline Simulation simulated(const Fabric& fabric, Collective collective, std::string_view name,
                            std::size_t count, const SimulationOptions& options = {},
                            const Params& params = {}) {
  const Algorithm* algorithm = find_algorithm(collective, name);
  return simulate(fabric, *algorithm, problem_on(fabric, collective, count, params), options);
}

}  // namespace motet
