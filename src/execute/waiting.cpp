#include "execute/waiting.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>

namespace motet {
namespace {

constexpr std::size_t most_sets = 64;  // of 1024 CPUs
constexpr int unlimited = 1 << 20;     // cores: more than any machine has

}  // namespace

std::vector<int> allowed_cpus() {
  // The system refuses a set that has no room for all CPUs there may be.
  std::vector<cpu_set_t> sets(1);
  while (sched_getaffinity(0, sets.size() * sizeof(cpu_set_t), sets.data()) != 0) {
    if (errno != EINVAL || sets.size() == most_sets) return {0};
    sets.resize(2 * sets.size());
  }
  std::vector<int> cpus;
  const std::size_t bytes = sets.size() * sizeof(cpu_set_t);
  for (std::size_t cpu = 0; cpu < 8 * bytes; ++cpu) {
    if (CPU_ISSET_S(cpu, bytes, sets.data())) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

void ShortWait::let_others_run() {
  sched_yield();
}

// cgroup v2: "max 100000" or "150000 100000" (microseconds of quota and period).
int quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return unlimited;
  double granted = 0;
  const auto [end, failure] = std::from_chars(quota.data(), quota.data() + quota.size(), granted);
  if (failure != std::errc{}) return unlimited;
  return std::max(1, static_cast<int>(granted / period));
}

}  // namespace motet
