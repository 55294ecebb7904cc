#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace motet_perf {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough that the ranks' leaving the barrier at different times does not show.
constexpr double batch_us = 1000;
constexpr std::size_t fewest_calls = 5;  // however long one takes: a median of less says little
// A call that takes no time (one rank, no bytes) must not double its batch for ever.
constexpr std::size_t most_batch_calls = std::size_t{1} << 20;

// Who leaves a barrier first begins first. Where that is the root, a broadcast is on its way before
// the others' time begins: the barrier would be measured with the call, and each library's is
// another.
void wait_for_common_time() {
  constexpr std::chrono::microseconds step(16), enough(2);
  const auto earliest = Clock::now().time_since_epoch() + enough;
  const auto start = (earliest / step + 1) * step;
  while (Clock::now().time_since_epoch() < start) {
  }
}

double batch(motet::Communicator& comm, const Call& call, const How& how, const Repeats& repeats,
             std::size_t calls) {
  comm.barrier();
  if (repeats.fresh && repeats.start_together) wait_for_common_time();
  const auto start = Clock::now();
  for (std::size_t i = 0; i < calls; ++i) invoke(comm, call, how);
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Doubles the batch until it is long enough; all ranks see the same times, so they agree.
Batches calibrate(motet::Communicator& comm, const Call& call, const How& how,
                  const Repeats& repeats) {
  for (std::size_t calls = 1;; calls *= 2) {
    std::vector<double> slowest{batch(comm, call, how, repeats, calls)};
    comm.allreduce(slowest, motet::ReduceOp::max);
    if (slowest[0] >= batch_us || calls >= most_batch_calls)
      return plan_batches(repeats, slowest[0] / static_cast<double>(calls), calls);
  }
}

}  // namespace

Batches plan_batches(const Repeats& repeats, double call_us, std::size_t batch_calls) {
  const double fitting = std::ceil(1000.0 * repeats.row_ms / std::max(call_us, 1e-3));
  const std::size_t total = repeats.iterations > 0
                                ? static_cast<std::size_t>(repeats.iterations)
                                : std::max(fewest_calls, static_cast<std::size_t>(fitting));
  const std::size_t calls = repeats.fresh ? 1 : std::min(batch_calls, total);
  return {(total + calls - 1) / calls, calls};
}

double percentile(std::vector<double> values, double share) {
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const std::size_t index = rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

Timing measure(motet::Communicator& comm, const Call& call, const How& how, const Repeats& repeats,
               const Freshness& freshness) {
  for (int i = 0; i < repeats.warmup; ++i) invoke(comm, call, how);
  const Batches plan = calibrate(comm, call, how, repeats);
  std::vector<double> times(plan.batches);
  for (double& time : times) {
    if (repeats.fresh) freshness.rewrite();
    time = batch(comm, call, how, repeats, plan.calls) / static_cast<double>(plan.calls);
    if (repeats.fresh) freshness.read();
  }
  comm.allreduce(times, motet::ReduceOp::max);
  return {percentile(times, 0.5), percentile(times, 0.99), plan.batches, plan.calls};
}

}  // namespace motet_perf
