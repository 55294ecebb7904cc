// The time that no algorithm beats: what a prediction or a measurement may be given as a share of.
#pragma once

#include "planner/cost.hpp"

namespace motet {

// By cuts of problem.fabric (topology/flow/bound.hpp). Where no fabric is known, by the same cuts
// of one in which every rank receives as fast as the model has it at best: where the model is off,
// so is this. 0 where nothing has to be moved. Some milliseconds for a thousand ranks.
Seconds least_time(const Problem& problem, const Machine& machine, const CostModel& model);

}  // namespace motet
