#include "interval.hpp"

#include <algorithm>
#include <cmath>

namespace motet_tune {
namespace {

// The largest k for which the k smallest of n values are all below the median with a probability of
// at most 5 %: P(B <= k - 1) for B binomial(n, 1/2).
std::size_t outside(std::size_t n) {
  double term = std::pow(0.5, static_cast<double>(n));  // P(B = i)
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += term;
    if (sum > 0.05) return i;
    term *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return 0;
}

}  // namespace

Interval interval_of(std::vector<double> ratios) {
  std::ranges::sort(ratios);
  const std::size_t n = ratios.size();
  const std::size_t k = outside(n);
  const std::size_t low = k == 0 ? 0 : k - 1;
  return {ratios[low], ratios[n / 2], ratios[n - 1 - low]};
}

}  // namespace motet_tune
