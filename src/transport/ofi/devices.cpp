#include "transport/ofi/devices.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <tuple>

#include "base/handle.hpp"
#include "net/interfaces.hpp"

namespace motet::ofi {
namespace {

using Addresses = Handle<ifaddrs, freeifaddrs>;

// "rdmap0s6" of "rdmap0s6-rdm": the kind of endpoint stands behind.
std::string_view without_kind(std::string_view name) {
  return name.substr(0, name.rfind('-'));
}

bool may_be_used(const Device& device, std::string_view choice) {
  const auto chosen = [&](std::string_view name) { return is_chosen(choice, name); };
  const std::string_view short_name = without_kind(device.name);
  if (choice.starts_with('^')) {
    return chosen(device.name) && chosen(short_name) && chosen(device.interface);
  }
  return chosen(device.name) || chosen(short_name) || chosen(device.interface);
}

Reach reach_of(const sockaddr_in& address) {
  const bool loopback = ntohl(address.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
  return loopback ? Reach::this_host : Reach::far;
}

// Of one link: says nothing without the name of the interface.
Reach reach_of(const sockaddr_in6& address) {
  if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) return Reach::not_even_that;
  return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr) ? Reach::this_host : Reach::far;
}

Reach reach_of(const fi_info& offer) {
  if (offer.src_addr == nullptr) return Reach::far;
  if (offer.addr_format == FI_SOCKADDR_IN) {
    return reach_of(*static_cast<const sockaddr_in*>(offer.src_addr));
  }
  if (offer.addr_format == FI_SOCKADDR_IN6) {
    return reach_of(*static_cast<const sockaddr_in6*>(offer.src_addr));
  }
  return Reach::far;
}

std::string text_of(int family, const void* address) {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(family, address, text, sizeof text) == nullptr ? "" : text;
}

// Without the bits that tell its hosts apart.
std::string network_of(const sockaddr_in& address, const sockaddr_in& mask) {
  const in_addr network{address.sin_addr.s_addr & mask.sin_addr.s_addr};
  return text_of(AF_INET, &network);
}

std::string network_of(const sockaddr_in6& address, const sockaddr_in6& mask) {
  in6_addr network = address.sin6_addr;
  for (int i = 0; i < 16; ++i) network.s6_addr[i] &= mask.sin6_addr.s6_addr[i];
  return text_of(AF_INET6, &network);
}

bool same(const sockaddr_in& one, const sockaddr_in& other) {
  return one.sin_addr.s_addr == other.sin_addr.s_addr;
}
bool same(const sockaddr_in6& one, const sockaddr_in6& other) {
  return IN6_ARE_ADDR_EQUAL(&one.sin6_addr, &other.sin6_addr);
}

template <class Address>
std::string network_here(const Address& address, int family) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const Addresses all(list);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    const bool readable = each->ifa_addr != nullptr && each->ifa_addr->sa_family == family &&
                          each->ifa_netmask != nullptr;
    if (!readable || !same(address, *reinterpret_cast<const Address*>(each->ifa_addr))) continue;
    return network_of(address, *reinterpret_cast<const Address*>(each->ifa_netmask));
  }
  return {};
}

std::string network_of(const fi_info& offer) {
  if (offer.src_addr == nullptr) return {};
  if (offer.addr_format == FI_SOCKADDR_IN) {
    return network_here(*static_cast<const sockaddr_in*>(offer.src_addr), AF_INET);
  }
  if (offer.addr_format == FI_SOCKADDR_IN6) {
    return network_here(*static_cast<const sockaddr_in6*>(offer.src_addr), AF_INET6);
  }
  return {};
}

std::string first_word_of(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

std::string interface_of(std::string_view device, const std::string& sysfs) {
  if (std::filesystem::exists(fmt::format("{}/class/net/{}", sysfs, device))) {
    return std::string(device);
  }
  return first_word_of(
      fmt::format("{}/class/infiniband/{}/ports/1/gid_attrs/ndevs/0", sysfs, device));
}

// The folder of what the device hangs on; empty if libfabric does not say.
std::string bus_place(const fi_info& offer, const std::string& sysfs) {
  const bool known = offer.nic != nullptr && offer.nic->bus_attr != nullptr &&
                     offer.nic->bus_attr->bus_type == FI_BUS_PCI;
  if (!known) return {};
  const fi_pci_attr& pci = offer.nic->bus_attr->attr.pci;
  return fmt::format("{}/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}", sysfs, pci.domain_id,
                     pci.bus_id, pci.device_id, pci.function_id);
}

int numa_of(const fi_info& offer, const Device& device, const std::string& sysfs) {
  const std::string_view name = without_kind(device.name);
  for (const std::string& folder :
       {bus_place(offer, sysfs), fmt::format("{}/class/infiniband/{}/device", sysfs, name),
        fmt::format("{}/class/net/{}/device", sysfs, device.interface)}) {
    std::ifstream file(folder + "/numa_node");
    if (int numa = -1; file >> numa) return numa;
  }
  return -1;
}

}  // namespace

std::vector<std::size_t> choose(std::span<const Device> devices, const DeviceWishes& wishes) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const bool reachable = devices[i].reach != Reach::not_even_that;
    if (reachable && may_be_used(devices[i], wishes.names)) chosen.push_back(i);
  }
  const auto reach = [&](std::size_t i) { return devices[i].reach; };
  std::ranges::stable_sort(chosen, {}, reach);
  if (chosen.empty()) return chosen;
  const Device& first = devices[chosen.front()];
  std::ranges::stable_sort(chosen, {}, [&](std::size_t i) {
    const Device& device = devices[i];
    const bool is_near = wishes.numa >= 0 && device.numa == wishes.numa;
    return std::tuple(device.reach, device.network != first.network, !is_near);
  });
  return chosen;
}

Device device_of(const fi_info& offer, const std::string& sysfs) {
  Device device;
  device.name = offer.domain_attr->name;
  device.interface = interface_of(without_kind(device.name), sysfs);
  if (device.interface.empty()) device.interface = interface_of(device.name, sysfs);
  device.network = network_of(offer);
  device.numa = numa_of(offer, device, sysfs);
  device.reach = reach_of(offer);
  return device;
}

}  // namespace motet::ofi
