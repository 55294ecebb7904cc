// Finds the cost model under which predictions come nearest to measurements.
#pragma once

#include <span>

#include "planner/cost.hpp"

namespace motet {

// A call that was timed.
struct Observation {
  const Workload* workload = nullptr;
  std::size_t block_bytes = 0;
  Machine machine;
  Seconds measured{};
  int cell = 0;  // calls that differ in the algorithm alone have the same
};

// What counts most is how the calls of a cell compare, for that decides what is chosen; how long
// they take counts less: all of them are slower where two cores happen to be far from each other.
// Starts from `start` and keeps of it what no observation speaks of. Deterministic; some thousand
// prices per observation.
CostModel fit(const CostModel& start, std::span<const Observation> observations);

// The median of |ln(predicted / measured)|: .1 is 10 % off. 0 without observations.
double error_of(const CostModel& model, std::span<const Observation> observations);

}  // namespace motet
