// Packages, NUMA nodes and caches, from hwloc.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "topology/discovery/hwloc_handle.hpp"

namespace motet::hwloc {
namespace {

int package_around(hwloc_topology_t tree, hwloc_obj_t object) {
  hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(tree, HWLOC_OBJ_PACKAGE, object);
  return package == nullptr ? -1 : static_cast<int>(package->os_index);
}

void add_cache(hwloc_obj_t object, std::vector<Cache>& caches) {
  const hwloc_obj_attr_u::hwloc_cache_attr_s& cache = object->attr->cache;
  Cache seen{fmt::format("L{}", cache.depth), cache.size, 1,
             std::max(0, hwloc_bitmap_weight(object->cpuset))};
  const auto known = std::ranges::find_if(caches, [&](const Cache& other) {
    return std::tie(other.name, other.bytes, other.cpus) ==
           std::tie(seen.name, seen.bytes, seen.cpus);
  });
  if (known == caches.end()) {
    caches.push_back(std::move(seen));
  } else {
    ++known->count;
  }
}

}  // namespace

void add_memory(hwloc_topology_t tree, Hardware& hardware) {
  for_each(tree, HWLOC_OBJ_PACKAGE, [&](hwloc_obj_t object) {
    const int cores = hwloc_get_nbobjs_inside_cpuset_by_type(tree, object->cpuset, HWLOC_OBJ_CORE);
    hardware.packages.push_back({static_cast<int>(object->os_index), cpus_of(object->cpuset),
                                 std::max(0, cores), info(object, "CPUModel")});
  });
  for_each(tree, HWLOC_OBJ_NUMANODE, [&](hwloc_obj_t object) {
    hardware.numa_nodes.push_back({static_cast<int>(object->os_index), package_around(tree, object),
                                   cpus_of(object->cpuset), object->attr->numanode.local_memory});
  });
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE,
                                      HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L1CACHE}) {
    for_each(tree, type, [&](hwloc_obj_t object) { add_cache(object, hardware.caches); });
  }
  if (hardware.packages.empty()) {
    hardware.unknown.emplace_back("packages: the system does not say which CPUs share one");
  }
  if (hardware.caches.empty()) hardware.unknown.emplace_back("caches: the system reports none");
}

}  // namespace motet::hwloc
