#include "execute/waiting.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace motet {
namespace {

// cgroup v2: "max 100000" or "150000 100000" (microseconds of quota and period).
int cgroup_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 20;
  return std::max(1, static_cast<int>(std::stod(quota) / period));
}

}  // namespace

int allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return std::max(1, std::min(cores, cgroup_cores()));
}

}  // namespace motet
