#include "topology/survey.hpp"

#include <algorithm>

namespace motet {
namespace {

// The id of the one that holds all CPUs; -1 if none does.
template <class Place>
int holder(const std::vector<Place>& places, const CpuSet& cpus) {
  if (cpus.empty()) return -1;
  const auto found =
      std::ranges::find_if(places, [&](const Place& place) { return place.cpus.includes(cpus); });
  return found == places.end() ? -1 : found->id;
}

}  // namespace

const Hardware& Survey::machine_of(Rank rank) const {
  return machines.at(static_cast<std::size_t>(seats.at(static_cast<std::size_t>(rank)).machine));
}

Survey merged(Survey first, const Survey& later) {
  std::vector<int> kept_as;
  for (const Hardware& machine : later.machines) {
    const auto known = std::ranges::find(first.machines, machine);
    kept_as.push_back(static_cast<int>(known - first.machines.begin()));
    if (known == first.machines.end()) first.machines.push_back(machine);
  }
  for (Seat seat : later.seats) {
    seat.machine = kept_as.at(static_cast<std::size_t>(seat.machine));
    first.seats.push_back(std::move(seat));
  }
  return first;
}

Seat seat_on(const Hardware& hardware, const CpuSet& cpus) {
  Seat seat;
  seat.machine = 0;
  seat.cpus = cpus;
  seat.package = holder(hardware.packages, cpus);
  seat.numa = holder(hardware.numa_nodes, cpus);
  return seat;
}

}  // namespace motet
