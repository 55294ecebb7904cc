// How long a call takes, or a step of several: the slowest rank's time for a batch of them between
// barriers, over many batches. Or, where ranks have one clock, a batch lasts from the first's
// beginning to the last's end: ranks leave a barrier at different times.
#pragma once

#include <functional>
#include <vector>

#include "call.hpp"

namespace motet_perf {

struct Timing {
  double median_us = 0, p99_us = 0;  // of one call, or step
  std::size_t batches = 0, batch_calls = 0;
};

// How many batches of how many calls. Every rank must pass the same.
struct Batches {
  std::size_t batches, calls;
};
// `call_us`: what one call takes, roughly. `batch_calls`: how many fill --batch-ms.
Batches plan_batches(const Repeats& repeats, double call_us, std::size_t batch_calls);

// The value below which `share` (0..1) of the values lie (nearest rank). `values` must not be
// empty.
double percentile(std::vector<double> values, double share);

// What --fresh does around each call, or step.
struct Freshness {
  std::function<void()> rewrite, read;
};

// Collective over comm. Throws motet::Error.
Timing measure(motet::Communicator& comm, std::span<const Call> calls, const How& how,
               const Repeats& repeats, const Freshness& freshness);

}  // namespace motet_perf
