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

// What is asked for, on a row of that many bytes; the topology must outlive it.
motet::Problem problem_for(const Options& options, const motet::Topology& topology,
                           std::size_t bytes);

// Every algorithm that supports the problem, or the one that is asked for, with its best
// parameters; fastest first. Throws motet::Error{invalid_argument} that names the valid ones if
// there is none.
std::vector<Candidate> candidates(const Options& options, const motet::Fabric& fabric,
                                  const motet::Problem& problem);

}  // namespace motet_sim
