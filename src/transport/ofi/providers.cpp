#include "transport/ofi/providers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/error.hpp"

namespace motet::ofi {
namespace {

// Over TCP a message to a peer that takes nothing is queued: one is refused only while there is no
// connection, and there was one before.
constexpr std::chrono::milliseconds patience(2000);

// When a connection ends while a message has come in part, ofi_rxm never returns (up to libfabric
// 1.17 at least: it empties its list of such messages with the links of another list). So nothing
// may be sent in parts: what is too long for one buffer is read by the receiver instead.
constexpr const char* rxm_parts = "FI_OFI_RXM_SAR_LIMIT";
constexpr const char* no_parts = "1";

constexpr std::array known{
    Provider{.name = "cxi", .reason = "Slingshot's own: nothing else reaches its hardware"},
    Provider{.name = "efa", .reason = "Amazon's own: nothing else bypasses the kernel there"},
    Provider{
        .name = "verbs;ofi_rxm",
        .reason =
            "InfiniBand and RoCE; crashes in fi_close while it reads from a peer that has left",
        .gone_when_refused_for = patience,
        .refuses_for_the_living = true,
        .quiet_before_close = std::chrono::milliseconds(50),
        .keeps_failed_connections = true,
        .hint = "set FI_UNIVERSE_SIZE to the number of ranks: by default more completions are "
                "asked for than some devices have",
        .variable = rxm_parts,
        .value = no_parts},
    Provider{.name = "opx", .reason = "Omni-Path's successor of psm2"},
    Provider{.name = "psm2", .reason = "Omni-Path"},
    Provider{.name = "tcp",
             .reason = "without ofi_rxm, from libfabric 1.18: one layer less",
             .gone_when_refused_for = patience,
             .injects = false,
             .pins_memory = false},
    Provider{.name = "net",
             .reason = "works over any Ethernet with libfabric 1.17; became tcp in 1.18",
             .gone_when_refused_for = patience,
             .injects = false,
             .pins_memory = false},
    Provider{.name = "shm",
             .only_by_name = true,
             .reason =
                 "reaches one host only, and MOTET_TRANSPORT=shm is faster there; crashes when "
                 "a rank is sent to that has left and was a thread of the same process",
             .reads = false},
    Provider{.name = "tcp;ofi_rxm",
             .only_by_name = true,
             .reason = "slower than net; crashes in fi_close while long messages are under way",
             .gone_when_refused_for = patience,
             .pins_memory = false,
             .variable = rxm_parts,
             .value = no_parts},
    Provider{.name = "udp;ofi_rxd",
             .only_by_name = true,
             .reason = "for tests: slow, and does not tell of peers that have gone",
             .injects = false,
             .reads = false},
    Provider{.name = "sockets",
             .only_by_name = true,
             .reason = "libfabric's authors recommend tcp instead"},
};

// What Motet does if a provider asks for it.
constexpr std::uint64_t modes = FI_CONTEXT | FI_CONTEXT2;
constexpr int memory_modes = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;

Info ask(const Library& library, const std::string& rank) {
  const Info hints = library.empty_info();
  hints->caps = FI_MSG;
  hints->mode = modes;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->mr_mode = memory_modes;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  fi_info* found = nullptr;
  const int result = library.getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, hints.get(), &found);
  if (result != 0) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{}: ofi: {}", rank, library.problem("fi_getinfo", result)));
  }
  return {found, library.freeinfo};
}

std::string_view name_of(const fi_info& offer) {
  return offer.fabric_attr->prov_name;
}

// The provider's offers, best first, of those that the wishes leave.
std::vector<const fi_info*> offers_of(const fi_info* all, std::string_view provider,
                                      const DeviceWishes& wishes) {
  std::vector<const fi_info*> found;
  std::vector<Device> devices;
  for (; all != nullptr; all = all->next) {
    if (name_of(*all) != provider) continue;
    found.push_back(all);
    devices.push_back(device_of(*all));
  }
  std::vector<const fi_info*> ordered;
  for (const std::size_t i : choose(devices, wishes)) ordered.push_back(found[i]);
  return ordered;
}

// "eth0, mlx5_0 (ib0)": those that a provider may be opened on.
std::string device_names(const fi_info* all, std::string_view wanted) {
  std::set<std::string> names;
  for (; all != nullptr; all = all->next) {
    const Provider traits = traits_of(name_of(*all));
    if (wanted.empty() ? traits.only_by_name : traits.name != wanted) continue;
    const Device device = device_of(*all);
    const bool alike = device.interface.empty() || device.interface == device.name;
    names.insert(alike ? device.name : fmt::format("{} ({})", device.name, device.interface));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

[[noreturn]] void refuse(const fi_info* all, const std::string& rank, std::string_view wanted,
                         const DeviceWishes& wishes) {
  if (const std::string devices = device_names(all, wanted);
      !wishes.names.empty() && !devices.empty()) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{}: ofi: MOTET_INTERFACE=\"{}\" leaves no device that libfabric can "
                            "use; there are: {}",
                            rank, wishes.names, devices));
  }
  std::set<std::string_view> names;
  for (; all != nullptr; all = all->next) names.insert(name_of(*all));
  throw Error(ErrorCode::unavailable,
              fmt::format("{}: ofi: libfabric has {} here; there are: {}", rank,
                          wanted.empty() ? "no provider that Motet would choose"
                                         : fmt::format("no provider \"{}\"", wanted),
                          fmt::join(names, ", ")));
}

}  // namespace

std::span<const Provider> known_providers() {
  return known;
}

Provider traits_of(std::string_view provider) {
  const auto* const found = std::ranges::find(known, provider, &Provider::name);
  return found == known.end() ? Provider{.name = provider, .reason = "unknown"} : *found;
}

std::vector<Info> offers(const Library& library, const std::string& rank, std::string_view wanted,
                         const DeviceWishes& wishes) {
  const Info all = ask(library, rank);
  std::vector<const fi_info*> chosen;
  if (!wanted.empty()) chosen = offers_of(all.get(), wanted, wishes);
  for (const Provider& provider : known) {
    if (!wanted.empty() || provider.only_by_name) continue;
    const auto found = offers_of(all.get(), provider.name, wishes);
    if (!found.empty()) chosen.push_back(found.front());
  }
  if (chosen.empty()) refuse(all.get(), rank, wanted, wishes);
  std::vector<Info> copies;
  copies.reserve(chosen.size());
  for (const fi_info* offer : chosen) copies.emplace_back(library.dupinfo(offer), library.freeinfo);
  return copies;
}

Info with_reading(const Library& library, Info offer) {
  const Info hints(library.dupinfo(offer.get()), library.freeinfo);
  hints->caps = FI_MSG | FI_RMA | FI_SEND | FI_RECV | FI_READ | FI_REMOTE_READ;
  hints->tx_attr->caps = hints->rx_attr->caps = 0;
  hints->domain_attr->caps = 0;
  hints->mode = hints->tx_attr->mode = hints->rx_attr->mode = modes;
  hints->domain_attr->mr_mode = memory_modes;
  fi_info* found = nullptr;
  if (library.getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, hints.get(), &found) != 0) {
    return offer;
  }
  return {found, library.freeinfo};
}

}  // namespace motet::ofi
