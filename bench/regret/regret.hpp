// What the planner's choice loses.
#pragma once

#include <string>

#include "candidates.hpp"
#include "interval.hpp"

namespace motet_regret {

// How much slower the choice is than the candidate that beats it most surely.
struct Regret {
  std::string best;
  motet_tune::Interval ratio;   // choice / best, paired by round
  motet_tune::Interval itself;  // choice / choice: the noise floor
  bool is_within_tenth;         // no candidate's interval lies above 1.1
};
Regret regret_of(const motet_tune::Cell& cell);

}  // namespace motet_regret
