#include "topology/discovery/discover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "topology/discovery/hwloc_handle.hpp"
#include "topology/discovery/nic_speed.hpp"
#include "topology/discovery/seat.hpp"

namespace motet {
namespace hwloc {

Tree load(const Source& source) {
  const auto check = [&](int status, const char* what) {
    if (status == 0) return;
    const ErrorCode code = source.xml.empty() ? ErrorCode::system : ErrorCode::invalid_argument;
    throw Error(code, fmt::format("hwloc: {} {}: {}", what, source.xml,
                                  errno == 0 ? "no topology of hwloc's" : std::strerror(errno)));
  };
  errno = 0;
  hwloc_topology_t raw = nullptr;
  check(hwloc_topology_init(&raw), "starting");
  Tree tree(raw);
  // Not the GPUs' own libraries where a recorded machine is read, nor the X server's at any time.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "gl");
  // sysfs says as much as libpciaccess, which leaks what it has found.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "pci");
  if (!source.xml.empty()) check(hwloc_topology_set_xml(raw, source.xml.c_str()), "reading");
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  check(hwloc_topology_load(raw), source.xml.empty() ? "looking at this machine" : "reading");
  return tree;
}

bool is_here(hwloc_topology_t tree) {
  return hwloc_topology_is_thissystem(tree) != 0;
}

CpuSet cpus_of(hwloc_const_bitmap_t bitmap) {
  std::vector<int> cpus;
  if (bitmap == nullptr) return {};
  for (int cpu = hwloc_bitmap_next(bitmap, -1); cpu >= 0 && cpu < CpuSet::most_cpus;
       cpu = hwloc_bitmap_next(bitmap, cpu)) {
    cpus.push_back(cpu);
  }
  return CpuSet::of(std::move(cpus));
}

std::string info(hwloc_obj_t object, const char* name) {
  const char* const value = hwloc_obj_get_info_by_name(object, name);
  return value == nullptr ? "" : value;
}

}  // namespace hwloc

Survey discover(const Source& source, const CpuSet& cpus) {
  const hwloc::Tree tree = hwloc::load(source);
  Hardware hardware;
  hwloc_obj_t root = hwloc_get_root_obj(tree.get());
  hardware.product = hwloc::info(root, "DMIProductName");
  hwloc::add_memory(tree.get(), hardware);
  hwloc::add_devices(tree.get(), source, hardware);
  const bool here = hwloc::is_here(tree.get());
  const CpuSet allowed = hwloc::cpus_of(hwloc_topology_get_allowed_cpuset(tree.get()));
  Seat seat = seat_on(hardware, here && !cpus.empty() ? cpus : allowed);
  seat.host = here ? seat_here({}, source.sysfs).host : hwloc::info(root, "HostName");
  return {{std::move(hardware)}, {std::move(seat)}};
}

void write_xml(const Source& source, const std::string& file) {
  const hwloc::Tree tree = hwloc::load(source);
  if (hwloc::is_here(tree.get())) {
    hwloc::for_each(tree.get(), HWLOC_OBJ_OS_DEVICE,
                    [&](hwloc_obj_t device) { hwloc::annotate_speed(device, source.sysfs); });
  }
  if (hwloc_topology_export_xml(tree.get(), file.c_str(), 0) != 0) {
    throw Error(ErrorCode::system,
                fmt::format("{}: writing hwloc's XML: {}", file, std::strerror(errno)));
  }
}

}  // namespace motet
