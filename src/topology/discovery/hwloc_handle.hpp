// The owner of hwloc's topology, and what its objects say. hwloc.h is included nowhere outside this
// folder.
#pragma once

#include <hwloc.h>

#include <string>

#include "base/handle.hpp"
#include "topology/discovery/discover.hpp"

namespace motet::hwloc {

using Tree = Handle<hwloc_topology, hwloc_topology_destroy>;
using Bitmap = Handle<hwloc_bitmap_s, hwloc_bitmap_free>;

// This machine or the recorded one, with all CPUs, allowed or not, and the I/O devices that matter.
// Throws Error{invalid_argument} where the XML cannot be read.
Tree load(const Source& source);

// Whether it describes the machine that this process runs on.
bool is_here(hwloc_topology_t tree);

CpuSet cpus_of(hwloc_const_bitmap_t bitmap);
// "" if there is none of that name.
std::string info(hwloc_obj_t object, const char* name);

// Calls act(object) for each object of a type, I/O included, in hwloc's order.
template <class Act>
void for_each(hwloc_topology_t tree, hwloc_obj_type_t type, Act&& act) {
  for (hwloc_obj_t object = nullptr;
       (object = hwloc_get_next_obj_by_type(tree, type, object)) != nullptr;) {
    act(object);
  }
}

// Packages, NUMA nodes and caches.
void add_memory(hwloc_topology_t tree, Hardware& hardware);
// PCI switches, NICs and accelerators.
void add_devices(hwloc_topology_t tree, const Source& source, Hardware& hardware);

}  // namespace motet::hwloc
