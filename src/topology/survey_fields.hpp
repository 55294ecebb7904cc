// The fields of each kind of record, told once for whoever reads, prints or shows them:
// fields_of(package, visit) calls visit("id", package.id), visit("cpus", package.cpus), and so on.
#pragma once

#include <concepts>
#include <type_traits>

#include "topology/survey.hpp"

namespace motet {

template <class T, class Value>
concept Is = std::same_as<std::remove_const_t<T>, Value>;

void fields_of(Is<Package> auto& package, auto&& visit) {
  visit("id", package.id);
  visit("cpus", package.cpus);
  visit("cores", package.cores);
  visit("model", package.model);
}

void fields_of(Is<NumaNode> auto& node, auto&& visit) {
  visit("id", node.id);
  visit("package", node.package);
  visit("cpus", node.cpus);
  visit("bytes", node.bytes);
}

void fields_of(Is<Cache> auto& cache, auto&& visit) {
  visit("name", cache.name);
  visit("bytes", cache.bytes);
  visit("count", cache.count);
  visit("cpus", cache.cpus);
}

void fields_of(Is<PciPlace> auto& place, auto&& visit) {
  visit("address", place.address);
  visit("switch", place.below);
  visit("package", place.package);
  visit("numa", place.numa);
  visit("link_gigabytes", place.link_gigabytes);
}

void fields_of(Is<PciSwitch> auto& pci_switch, auto&& visit) {
  fields_of(pci_switch.place, visit);
}

void fields_of(Is<Nic> auto& nic, auto&& visit) {
  visit("name", nic.name);
  visit("kind", nic.kind);
  fields_of(nic.place, visit);
  visit("gigabits", nic.gigabits);
  visit("state", nic.state);
  visit("ports", nic.ports);
  visit("interfaces", nic.interfaces);
}

void fields_of(Is<Accelerator> auto& accelerator, auto&& visit) {
  visit("name", accelerator.name);
  visit("kind", accelerator.kind);
  visit("model", accelerator.model);
  fields_of(accelerator.place, visit);
}

void fields_of(Is<Seat> auto& seat, auto&& visit) {
  visit("machine", seat.machine);
  visit("host", seat.host);
  visit("cpus", seat.cpus);
  visit("package", seat.package);
  visit("numa", seat.numa);
  visit("quota_cores", seat.quota_cores);
}

}  // namespace motet
