// The problems on which every algorithm is proved, each with a name that says what it is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "algorithms/list.hpp"

namespace motet {

struct Shape {
  std::string name;  // "7", "3x4", "2x2x3", "uneven_2+5"
  Topology topology;
  const Fabric* fabric = nullptr;
};

struct Case {
  const Algorithm& algorithm;
  const Shape& shape;
  Problem problem;

  std::string name() const;  // "allreduce_hierarchical_3x4_count61_inplace"
};

// One node of n ranks.
std::vector<Shape> flat_shape(int n);
// Several ways to spread n ranks over nodes and pods, evenly, unevenly and interleaved.
std::vector<Shape> node_shapes(int n);

// Every problem of the full grid that the algorithm supports on this shape. A parameter it ignores
// is not multiplied.
void for_each_case(const Algorithm& algorithm, const Shape& shape,
                   const std::function<void(const Case&)>& visit);
// For every algorithm, on 1 to 17 and 32 ranks.
void for_each_case(const std::function<void(const Case&)>& visit);

// Every rank's schedule.
std::vector<Schedule> build_all(const Algorithm& algorithm, const Problem& problem);

}  // namespace motet
