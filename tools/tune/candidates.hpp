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

// With float32 and sum, on buffers of its own. Collective, as is `measure`.
class Bench {
 public:
  Bench(motet::Communicator& comm, std::size_t largest_bytes);

  // `bytes`: of a row as motet-perf counts; at most the largest. `sample_ms`: how long the calls of
  // one sample should take together.
  Cell measure(const motet_perf::CollectiveRow& row, std::size_t bytes, int rounds,
               double sample_ms) const;

 private:
  motet::Communicator& comm_;
  motet_perf::Memory first_, second_;
};

}  // namespace motet_tune
