#include "topology/discovery/nic_speed.hpp"

#include <fmt/format.h>

#include <charconv>

#include "topology/discovery/seat.hpp"

namespace motet::hwloc {
namespace {

// Names of what write_xml() adds to hwloc's own.
constexpr auto speed_key = "MotetGigabits", layer_key = "MotetLinkLayer", state_key = "MotetState";

NicFacts recorded_facts(hwloc_obj_t device) {
  NicFacts facts{leading_number(info(device, speed_key)), info(device, layer_key),
                 info(device, state_key), ""};
  if (facts.gigabits == 0) {
    facts.why_unknown = fmt::format("speed of {}: the recorded machine does not say", device->name);
  }
  return facts;
}

// All ports together: they send at the same time.
NicFacts verbs_facts(const std::string& name, const std::string& sysfs) {
  NicFacts facts;
  constexpr int most_ports = 16;
  for (int port = 1; port <= most_ports; ++port) {
    const std::string folder = fmt::format("{}/class/infiniband/{}/ports/{}/", sysfs, name, port);
    const std::string rate = first_line(folder + "rate");
    if (rate.empty()) break;
    facts.gigabits += leading_number(rate);
    facts.link_layer = first_line(folder + "link_layer");
    const std::string state = first_line(folder + "state");  // "4: ACTIVE"
    if (!state.empty()) facts.state = state.find("ACTIVE") != std::string::npos ? "up" : "down";
  }
  if (facts.gigabits == 0) {
    facts.why_unknown =
        fmt::format("speed of {0}: {1}/class/infiniband/{0}/ports/1/rate gives none", name, sysfs);
  }
  return facts;
}

}  // namespace

double leading_number(const std::string& text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc{} && number > 0 && number < 1e6 ? number : 0;
}

NicFacts facts_of_interface(const std::string& name, const std::string& sysfs) {
  const std::string folder = fmt::format("{}/class/net/{}/", sysfs, name);
  NicFacts facts;
  facts.gigabits = leading_number(first_line(folder + "speed")) / 1000;  // of Mb/s
  const std::string state = first_line(folder + "operstate");
  if (state == "up" || state == "down") facts.state = state;
  if (facts.gigabits == 0) {
    facts.why_unknown = fmt::format("speed of {}: {}speed gives none", name, folder);
  }
  return facts;
}

NicFacts facts_of(hwloc_obj_t device, const std::string& sysfs) {
  if (sysfs.empty()) return recorded_facts(device);
  if (device->attr->osdev.type == HWLOC_OBJ_OSDEV_OPENFABRICS) {
    return verbs_facts(device->name, sysfs);
  }
  return facts_of_interface(device->name, sysfs);
}

void annotate_speed(hwloc_obj_t device, const std::string& sysfs) {
  const hwloc_obj_osdev_type_t type = device->attr->osdev.type;
  if (type != HWLOC_OBJ_OSDEV_NETWORK && type != HWLOC_OBJ_OSDEV_OPENFABRICS) return;
  const NicFacts facts = facts_of(device, sysfs);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) hwloc_obj_add_info(device, key, value.c_str());
  };
  if (facts.gigabits > 0) add(speed_key, fmt::format("{}", facts.gigabits));
  add(layer_key, facts.link_layer);
  add(state_key, facts.state);
}

}  // namespace motet::hwloc
