// One collective at one size: every algorithm that supports it, and the planner's own choice twice,
// measured in turns.
#pragma once

#include <motet/motet.hpp>
#include <string>
#include <vector>

#include "buffers.hpp"

namespace motet_tune {

struct Candidate {
  std::string name;
  std::vector<double> times_us;  // of one call, by round: the slowest rank's
};

struct Cell {
  motet_perf::Shape shape;
  std::size_t bytes = 0;
  std::string chosen;
  std::vector<Candidate> candidates;  // the planner's choice is the first, and again the second
};

// Collective. `sample_us`: how long the calls of one sample should take together.
Cell measure(motet::Communicator& comm, const motet_perf::Call& call, int rounds, double sample_us);

}  // namespace motet_tune
