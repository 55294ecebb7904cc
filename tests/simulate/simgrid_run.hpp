// What SimGrid says about schedules on a fabric: an oracle for the simulator.
#pragma once

#include <vector>

#include "schedule/schedule.hpp"
#include "topology/fabric.hpp"

namespace motet {

// Seconds until all ranks are done: max-min fair flows without cross traffic, no processors. In a
// process of its own, since SimGrid's engine lives once in a process.
double time_by_simgrid(const Fabric& fabric, const std::vector<Schedule>& schedules,
                       std::size_t element_bytes);

}  // namespace motet
