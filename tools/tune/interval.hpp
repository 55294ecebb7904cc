// What paired measurements say about a ratio.
#pragma once

#include <vector>

namespace motet_tune {

// The median of ratios, and the interval that holds the true one with 90 % confidence: order
// statistics (binomial), so that it supposes nothing of how times are spread. `ratios`: at least 5.
struct Interval {
  double low, median, high;
};
Interval interval_of(std::vector<double> ratios);

}  // namespace motet_tune
