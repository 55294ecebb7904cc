// How long something takes: the slower rank's time for a batch of calls between barriers, over many
// batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "pair.hpp"

namespace motet_limits {

// hot: calls follow each other. fresh: each call stands alone, between `before` and `after`.
enum class Mode : std::uint8_t { hot, fresh };

struct Work {
  std::function<void(std::size_t calls)> run;
  std::function<void()> before = [] {};
  std::function<void()> after = [] {};
};

struct Pace {
  double pass_ms;  // how long to measure in one go
  Mode mode = Mode::hot;
};

// The times of one call in µs, one for each batch; the same on both ranks. Collective.
std::vector<double> measure(Pair& pair, const Pace& pace, const Work& work);

// The middle value; `values` must not be empty.
double median(std::vector<double> values);

}  // namespace motet_limits
