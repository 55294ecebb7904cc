// Which of a provider's devices a rank uses, where there are several.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/ofi/handles.hpp"

namespace motet::ofi {

// How far peers may be that can use the address of an offer.
enum class Reach { far, this_host, not_even_that };

// What the choice depends on.
struct Device {
  std::string name;       // the domain, as libfabric calls it: "mlx5_0", "eth0", "rdmap0s6-rdm"
  std::string interface;  // its network interface: "ib0"; empty: it has none
  std::string network;    // of its address: "10.77.0.0"; empty: unknown, or not of IP
  int numa = -1;          // node that it is at; -1: unknown
  Reach reach = Reach::far;
};

struct DeviceWishes {
  std::string_view names;  // as net/interfaces.hpp reads them, of devices or their interfaces
  int numa = -1;           // where the rank runs; -1: nowhere in particular
};

// Positions of those that may be used, best first: those that reach farthest; of these the ones in
// the network of the first, as peers that start alike choose one there; of these the nearest.
std::vector<std::size_t> choose(std::span<const Device> devices, const DeviceWishes& wishes);

// Out of the offer, and what the system says of the device in `sysfs`.
Device device_of(const fi_info& offer, const std::string& sysfs = "/sys");

}  // namespace motet::ofi
