// Which algorithm is best, with which parameters.
#pragma once

#include <vector>

#include "algorithms/list.hpp"
#include "sim/options.hpp"

namespace motet_sim {

struct Candidate {
  const motet::Algorithm* algorithm = nullptr;
  motet::Params params;
  motet::Simulation result;
};

// What is asked for, on a row of that many bytes; the fabric must outlive it.
motet::Problem problem_for(const Options& options, const motet::Fabric& fabric, std::size_t bytes);

// What was not simulated, since it is expected to be much slower (planner/fabric_plan.hpp).
struct Slower {
  const motet::Algorithm* algorithm = nullptr;
  motet::Seconds expected{};
};

struct Found {
  std::vector<Candidate> candidates;  // fastest first; at least one
  std::vector<Slower> slower;
};

// Every algorithm that supports the problem, or the one that is asked for, with its best
// parameters, but for those that are expected to take twice as long as the best, or if all are to
// be shown four times as long; `forest` of more than 64 ranks a tree only if it is asked for.
// Throws motet::Error{invalid_argument} that names the valid ones if there is none.
Found find_best(const Options& options, const motet::Fabric& fabric, const motet::Problem& problem);

}  // namespace motet_sim
