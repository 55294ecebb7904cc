// Plans for a known fabric: parameters by a closed form, so that thousands of ranks can be planned
// for while a job waits, and the simulator as judge where it can be afforded.
#pragma once

#include <cstddef>

#include "planner/fabric_tally.hpp"

namespace motet {

inline constexpr int most_chunks = 32;  // more gain less than they cost to plan and to run

struct FabricPlan {
  Params params;
  Prediction predicted;
  double messages = 0;        // that a simulation of it has, about
  bool is_simulated = false;  // else in closed form
};

// The best parameters by the closed form, starting from problem.params; at most `most` chunks.
// Requires what FabricTally does.
FabricPlan closed_form(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                       int most = most_chunks);
// The same, and how long it takes with them by the simulator if that has to look at few enough
// messages. With the number of chunks that is best by the simulator, as far as it can try.
FabricPlan plan_on_fabric(const Algorithm& algorithm, const Problem& problem,
                          std::size_t block_bytes);

// That it takes at least, in latencies alone. Quick.
Seconds least_latency(const Algorithm& algorithm, const Problem& problem);

}  // namespace motet
