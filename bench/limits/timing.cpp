#include "timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace motet_limits {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough that the ranks' leaving the barrier at different times does not show.
constexpr double batch_us = 200;
constexpr std::size_t most_batch_calls = std::size_t{1} << 20;
constexpr double fewest_batches = 3;
constexpr double most_batches = 2000;  // of fresh calls of a fraction of a microsecond

// As motet-perf --start-together: who leaves the barrier first must not begin first.
void wait_for_common_time() {
  constexpr std::chrono::microseconds step(16), enough(2);
  const auto earliest = Clock::now().time_since_epoch() + enough;
  const auto start = (earliest / step + 1) * step;
  while (Clock::now().time_since_epoch() < start) {
  }
}

double batch(Pair& pair, Mode mode, const Work& work, std::size_t calls) {
  work.before();
  pair.barrier();
  if (mode == Mode::fresh) wait_for_common_time();
  const auto start = Clock::now();
  work.run(calls);
  const auto end = Clock::now();
  work.after();
  return std::chrono::duration<double, std::micro>(end - start).count();
}

struct Batches {
  std::size_t batches, calls;
};

Batches plan(double pass_ms, double us, std::size_t calls) {
  const double fitting = std::ceil(pass_ms * 1e3 / std::max(us, 1e-3));
  return {static_cast<std::size_t>(std::clamp(fitting, fewest_batches, most_batches)), calls};
}

// Both ranks see the same times, so they agree.
Batches calibrate(Pair& pair, const Pace& pace, const Work& work) {
  for (std::size_t calls = 1;; calls *= 2) {
    const double us = pair.larger(batch(pair, pace.mode, work, calls));
    const bool enough = us >= std::min(batch_us, pace.pass_ms * 1e3) || calls >= most_batch_calls;
    if (pace.mode == Mode::fresh || enough) return plan(pace.pass_ms, us, calls);
  }
}

}  // namespace

std::vector<double> measure(Pair& pair, const Pace& pace, const Work& work) {
  batch(pair, pace.mode, work, 1);  // the first call meets pages and caches as no later one does
  const Batches plan = calibrate(pair, pace, work);
  std::vector<double> times(plan.batches);
  for (double& time : times)
    time = batch(pair, pace.mode, work, plan.calls) / static_cast<double>(plan.calls);
  pair.take_larger(times);
  return times;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace motet_limits
