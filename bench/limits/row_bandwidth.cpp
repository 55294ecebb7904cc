// How fast cores move and add what is theirs.
#include <algorithm>
#include <cstring>

#include "kernels.hpp"
#include "rows.hpp"

namespace motet_limits {
namespace {

using Stream = std::function<void(float* to, const float* a, const float* b, std::size_t count)>;

struct Loop {
  std::string_view stores;
  Stream run;
};

// Result bytes per second of the slower core.
double gbps(const Bench& bench, std::size_t bytes, int cores, const Stream& run) {
  const std::size_t count = bytes / sizeof(float);
  const PrivateFloats a = allocate_private(bytes);
  const PrivateFloats b = allocate_private(bytes);
  const PrivateFloats to = allocate_private(bytes);
  std::fill_n(a.get(), count, 1.0F);
  std::fill_n(b.get(), count, 2.0F);
  std::fill_n(to.get(), count, 0.0F);
  const bool works = bench.pair.rank() < cores;
  const auto times = measure(bench.pair, bench.pace(), {.run = [&](std::size_t calls) {
                               if (!works) return;
                               for (std::size_t i = 0; i < calls; ++i)
                                 run(to.get(), a.get(), b.get(), count);
                             }});
  return static_cast<double>(bytes) / median(times) / 1e3;
}

void measure_loops(const Bench& bench, std::string_view what, const std::vector<Loop>& loops) {
  for (const std::size_t bytes : bench.options.bandwidth_sizes)
    for (const int cores : {1, 2})
      for (const Loop& loop : loops)
        bench.print({{"what", what},
                     {"bytes", bytes},
                     {"cores", cores},
                     {"stores", loop.stores},
                     {"gbps_per_core", gbps(bench, bytes, cores, loop.run)}});
}

Stream copying(Stores stores) {
  return [&k = kernels(stores)](float* to, const float* a, const float*, std::size_t count) {
    k.copy(to, a, count);
  };
}

void copy_by_library(float* to, const float* a, const float*, std::size_t count) {
  std::memcpy(to, a, count * sizeof(float));
}

}  // namespace

void measure_copy(const Bench& bench) {
  measure_loops(bench, "copy",
                {{"cached", copying(Stores::cached)},
                 {"streamed", copying(Stores::streamed)},
                 {"memcpy", copy_by_library}});
}

void measure_reduce(const Bench& bench) {
  measure_loops(
      bench, "reduce",
      {{"cached", kernels(Stores::cached).add}, {"streamed", kernels(Stores::streamed).add}});
}

}  // namespace motet_limits
