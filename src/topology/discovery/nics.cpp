#include "topology/discovery/nics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <functional>
#include <string_view>

#include "topology/discovery/seat.hpp"

namespace motet {
namespace {

// A service network beside the fast ones would hold them up.
constexpr double alike = 0.5;

struct Device {
  std::string name;
  int numa = -1;
  double speed = 0;  // Mb/s; 0: not known
};

double number_in(const std::string& text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc{} ? number : -1;
}

std::vector<Device> devices_that_are_up(const std::string& sysfs) {
  std::vector<Device> nics;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(sysfs + "/class/net", ignored)) {
    const std::string folder = entry.path();
    if (!std::filesystem::exists(folder + "/device", ignored)) continue;
    if (first_line(folder + "/operstate") != "up") continue;
    const std::string numa = first_line(folder + "/device/numa_node");
    nics.push_back({.name = entry.path().filename(),
                    .numa = numa.empty() ? -1 : static_cast<int>(number_in(numa)),
                    .speed = std::max(0.0, number_in(first_line(folder + "/speed")))});
  }
  std::ranges::sort(nics, {}, &Device::name);
  return nics;
}

// Drivers of devices that UCX does not know, or knows only as Ethernet.
constexpr std::array<std::string_view, 4> for_libfabric{"efa", "hfi1", "qib", "usnic_verbs"};

// Of a device of sysfs: "mlx5_core"; "" of an emulated one.
std::string driver_of(const std::filesystem::path& device) {
  std::error_code ignored;
  return std::filesystem::read_symlink(device / "device" / "driver", ignored).filename();
}

bool has_entries(const std::string& folder) {
  std::error_code failure;
  const std::filesystem::directory_iterator entries(folder, failure);
  return !failure && entries != std::filesystem::directory_iterator();
}

}  // namespace

std::string fabric_transport(const std::string& sysfs) {
  if (has_entries(sysfs + "/class/cxi")) return "ofi";
  std::string transport;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(sysfs + "/class/infiniband", ignored)) {
    const std::string driver = driver_of(entry.path());
    if (std::ranges::find(for_libfabric, driver) != for_libfabric.end()) return "ofi";
    if (!driver.empty()) transport = "ucx";
  }
  return transport;
}

std::vector<std::string> near_nics(int numa, const std::string& sysfs) {
  std::vector<Device> nics = devices_that_are_up(sysfs);
  double fastest = 0;
  for (const Device& nic : nics) fastest = std::max(fastest, nic.speed);
  std::erase_if(nics,
                [&](const Device& nic) { return nic.speed > 0 && nic.speed < alike * fastest; });
  const auto is_near = [&](const Device& nic) { return numa >= 0 && nic.numa == numa; };
  if (std::ranges::any_of(nics, is_near)) std::erase_if(nics, std::not_fn(is_near));
  std::vector<std::string> names(nics.size());
  std::ranges::transform(nics, names.begin(), &Device::name);
  return names;
}

}  // namespace motet
