// How fast NICs are, out of sysfs, or as write_xml() has left it in a recorded machine.
#pragma once

#include <string>

#include "topology/discovery/hwloc_handle.hpp"

namespace motet::hwloc {

struct NicFacts {
  double gigabits = 0;      // 0: not known
  std::string link_layer;   // "InfiniBand", "Ethernet" or ""
  std::string state;        // "up", "down" or ""
  std::string why_unknown;  // a sentence, where there is no speed
};

// Of an InfiniBand, RoCE or Ethernet device. `sysfs` is empty for a recorded machine.
NicFacts facts_of(hwloc_obj_t device, const std::string& sysfs);
// Of an interface without a device.
NicFacts facts_of_interface(const std::string& name, const std::string& sysfs);

// Leaves the facts in the tree, for write_xml().
void annotate_speed(hwloc_obj_t device, const std::string& sysfs);

// "400 Gb/sec (4X NDR)" → 400; 0 if it begins with no number.
double leading_number(const std::string& text);

}  // namespace motet::hwloc
