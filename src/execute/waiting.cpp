#include "execute/waiting.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace motet {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

// cgroup v2: "max 100000" or "150000 100000" (microseconds of quota and period).
int quota_cores() {
  constexpr int unlimited = 1 << 20;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return unlimited;
  return std::max(1, static_cast<int>(std::stod(quota) / period));
}

}  // namespace motet
