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
};

// Starts from `start` and keeps of it what no observation speaks of. Deterministic; some thousand
// prices per observation.
CostModel fit(const CostModel& start, std::span<const Observation> observations);

// The median of |ln(predicted / measured)|: .1 is 10 % off. 0 without observations.
double error_of(const CostModel& model, std::span<const Observation> observations);

}  // namespace motet
