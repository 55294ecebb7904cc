// How fast the kernel copies out of another process's memory.
#include <algorithm>

#include "pull.hpp"
#include "rows.hpp"

namespace motet_limits {
namespace {

double gbps(const Bench& bench, std::size_t bytes, int cores) {
  Pair& pair = bench.pair;
  const std::size_t count = bytes / sizeof(float);
  const PrivateFloats from = allocate_private(bytes);
  const PrivateFloats to = allocate_private(bytes);
  std::fill_n(from.get(), count, static_cast<float>(1 + pair.rank()));
  std::fill_n(to.get(), count, 0.0F);
  const float* source = pair.exchange(from.get());
  const bool works = pair.rank() < cores;
  const auto times = measure(pair, bench.pace(), {.run = [&](std::size_t calls) {
                               if (!works) return;
                               for (std::size_t i = 0; i < calls; ++i)
                                 pull_from(pair.peer_pid(), to.get(), source, count);
                             }});
  const float right = works ? static_cast<float>(2 - pair.rank()) : 0.0F;
  if (std::count(to.get(), to.get() + count, right) != static_cast<std::ptrdiff_t>(count))
    throw std::runtime_error("process_vm_readv gave wrong data");
  pair.barrier();  // the peer may still read
  return static_cast<double>(bytes) / median(times) / 1e3;
}

}  // namespace

void measure_readv(const Bench& bench) {
  const std::string refusal = refusal_of_pulls(bench.pair);
  if (!refusal.empty()) {
    bench.print({{"what", "readv"}, {"refused", refusal}});
    return;
  }
  for (const std::size_t bytes : bench.options.bandwidth_sizes)
    for (const int cores : {1, 2})
      bench.print({{"what", "readv"},
                   {"bytes", bytes},
                   {"cores", cores},
                   {"gbps_per_core", gbps(bench, bytes, cores)}});
}

}  // namespace motet_limits
