#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace motet_perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t fewest_calls = 5;  // however long one takes: a median of less says little
// A call that takes no time (one rank, no bytes) must not double its batch for ever.
constexpr std::size_t most_batch_calls = std::size_t{1} << 20;

// Who leaves a barrier first must not begin first.
void wait_for_common_time() {
  constexpr std::chrono::microseconds step(16), enough(2);
  const auto earliest = Clock::now().time_since_epoch() + enough;
  const auto start = (earliest / step + 1) * step;
  while (Clock::now().time_since_epoch() < start) {
  }
}

double now_us() {
  return std::chrono::duration<double, std::micro>(Clock::now().time_since_epoch()).count();
}

// Of this rank.
struct Span {
  double begin_us, end_us;
  double us() const { return end_us - begin_us; }
};

Span batch(motet::Communicator& comm, Repeated& call, std::size_t calls,
           bool start_together = false) {
  comm.barrier();
  if (start_together) wait_for_common_time();
  const double begin_us = now_us();
  for (std::size_t i = 0; i < calls; ++i) call.run();
  return {begin_us, now_us()};
}

double slowest_batch_us(motet::Communicator& comm, Repeated& call, std::size_t calls) {
  std::vector<double> longest{batch(comm, call, calls).us()};
  comm.allreduce(longest, motet::ReduceOp::max);
  return longest[0];
}

// Doubles the batch until it is long enough; all ranks see the same times, so they agree. The first
// batch of all plans the barrier, and a disturbed one must not pass for a long one: of two, the
// shorter counts.
Batches calibrate(motet::Communicator& comm, Repeated& call, const Repeats& repeats) {
  constexpr double beyond_doubt_us = 1e6;  // no disturbance lasts so long
  const double enough_us = 1000.0 * repeats.batch_ms;
  for (std::size_t calls = 1;; calls *= 2) {
    double us = slowest_batch_us(comm, call, calls);
    if (us < beyond_doubt_us) us = std::min(us, slowest_batch_us(comm, call, calls));
    if (us >= enough_us || calls >= most_batch_calls) {
      return plan_batches(repeats, us / static_cast<double>(calls), calls);
    }
  }
}

std::vector<double> slowest(motet::Communicator& comm, const std::vector<Span>& spans) {
  std::vector<double> times(spans.size());
  std::ranges::transform(spans, times.begin(), &Span::us);
  comm.allreduce(times, motet::ReduceOp::max);
  return times;
}

// Where the root leaves the barrier first, a broadcast is done before the others' own time begins.
std::vector<double> from_first_to_last(motet::Communicator& comm, const std::vector<Span>& spans) {
  std::vector<double> begins, ends;
  for (const Span& span : spans) {
    begins.push_back(span.begin_us);
    ends.push_back(span.end_us);
  }
  comm.allreduce(begins, motet::ReduceOp::min);
  comm.allreduce(ends, motet::ReduceOp::max);
  for (std::size_t i = 0; i < ends.size(); ++i) ends[i] -= begins[i];
  return ends;
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

Timing measure(motet::Communicator& comm, std::span<const Call> calls, const How& how,
               const Repeats& repeats, const Freshness& freshness) {
  Repeated repeated(comm, calls, how);
  for (int i = 0; i < repeats.warmup; ++i) repeated.run();
  const Batches plan = calibrate(comm, repeated, repeats);
  std::vector<Span> spans(plan.batches);
  for (Span& span : spans) {
    if (repeats.fresh) freshness.rewrite();
    span = batch(comm, repeated, plan.calls, repeats.fresh && repeats.start_together);
    if (!repeats.fresh) continue;
    comm.barrier();  // who is done must not take the cores of those who are not
    freshness.read();
  }
  const bool one_clock = repeats.fresh && (repeats.one_clock || repeats.start_together);
  std::vector<double> times = one_clock ? from_first_to_last(comm, spans) : slowest(comm, spans);
  for (double& time : times) time /= static_cast<double>(plan.calls);
  return {percentile(times, 0.5), percentile(times, 0.99), plan.batches, plan.calls};
}

}  // namespace motet_perf
