#include "regret.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace motet_regret {

using motet_tune::Candidate;
using motet_tune::Interval;
using motet_tune::interval_of;

namespace {

std::vector<double> ratios(const Candidate& numerator, const Candidate& denominator) {
  std::vector<double> found(numerator.times_us.size());
  std::ranges::transform(numerator.times_us, denominator.times_us, found.begin(), std::divides<>());
  return found;
}

}  // namespace

Regret regret_of(const motet_tune::Cell& cell) {
  const Candidate& chosen = cell.candidates[0];
  const Interval itself = interval_of(ratios(chosen, cell.candidates[1]));
  Regret regret{.best = chosen.name, .ratio = itself, .itself = itself, .is_within_tenth = true};
  double surest = 1;
  for (std::size_t i = 2; i < cell.candidates.size(); ++i) {
    const Interval ratio = interval_of(ratios(chosen, cell.candidates[i]));
    if (ratio.low <= surest) continue;
    surest = ratio.low;
    regret.best = cell.candidates[i].name;
    regret.ratio = ratio;
  }
  regret.is_within_tenth = surest <= 1.1;
  return regret;
}

}  // namespace motet_regret
