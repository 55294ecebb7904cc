#include "topology/discovery/nics.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>

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

}  // namespace

std::vector<std::string> near_nics(int numa, const std::string& sysfs) {
  std::vector<Device> nics = devices_that_are_up(sysfs);
  double fastest = 0;
  for (const Device& nic : nics) fastest = std::max(fastest, nic.speed);
  std::erase_if(nics,
                [&](const Device& nic) { return nic.speed > 0 && nic.speed < alike * fastest; });
  const auto is_near = [&](const Device& nic) { return numa >= 0 && nic.numa == numa; };
  if (std::ranges::any_of(nics, is_near)) std::erase_if(nics, std::not_fn(is_near));
  std::vector<std::string> names;
  for (const Device& nic : nics) names.push_back(nic.name);
  return names;
}

}  // namespace motet
