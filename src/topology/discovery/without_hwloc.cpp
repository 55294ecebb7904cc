#include "base/error.hpp"
#include "topology/discovery/discover.hpp"
#include "topology/discovery/seat.hpp"

namespace motet {
namespace {

constexpr auto reason =
    "this build has no hwloc: caches, PCI buses, NICs and accelerators are not seen";

}  // namespace

Survey discover(const Source& source, const CpuSet& cpus) {
  if (!source.xml.empty()) throw Error(ErrorCode::unavailable, reason);
  Hardware hardware = packages_and_numa_nodes(cpus, source.sysfs);
  hardware.unknown.emplace_back(reason);
  Seat seat = seat_here(cpus, source.sysfs);
  seat.machine = 0;
  return {{std::move(hardware)}, {std::move(seat)}};
}

void write_xml(const Source&, const std::string&) {
  throw Error(ErrorCode::unavailable, reason);
}

}  // namespace motet
