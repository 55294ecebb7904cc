#include "topology/hardware.hpp"

#include <gmock/gmock.h>

namespace motet {
namespace {

using testing::ElementsAre;

PciPlace at(const char* address, int below, int package, int numa) {
  return {address, below, package, numa, 0};
}

// Switch 1 hangs below switch 0, switch 2 elsewhere.
Hardware with_switches() {
  Hardware hardware;
  hardware.switches = {{at("0000:10:00.0", -1, 0, 0)},
                       {at("0000:11:00.0", 0, 0, 0)},
                       {at("0000:80:00.0", -1, 1, 2)}};
  return hardware;
}

TEST(Closeness, IsASharedSwitchAtAnyDepthFirst) {
  const Hardware hardware = with_switches();
  const PciPlace deep = at("0000:12:00.0", 1, 0, 0), shallow = at("0000:13:00.0", 0, 0, 0);
  EXPECT_EQ(closeness(hardware, deep, shallow), Closeness::same_switch);
  EXPECT_EQ(closeness(hardware, shallow, deep), Closeness::same_switch);
  EXPECT_EQ(closeness(hardware, deep, at("", -1, 0, 0)), Closeness::same_numa_node);
  EXPECT_EQ(closeness(hardware, deep, at("", -1, 0, 1)), Closeness::same_package);
  EXPECT_EQ(closeness(hardware, deep, at("0000:81:00.0", 2, 1, 2)), Closeness::far);
  EXPECT_EQ(closeness(hardware, deep, at("", -1, -1, -1)), Closeness::unknown);
}

TEST(NearestNics, ServeAcceleratorsEvenly) {
  Hardware hardware = with_switches();
  for (int i = 0; i < 4; ++i) {
    hardware.accelerators.push_back(
        {"cuda", AcceleratorKind::cuda, "", at("0000:12:00.0", 0, 0, 0)});
  }
  hardware.accelerators.push_back({"cuda", AcceleratorKind::cuda, "", at("0000:82:00.0", 2, 1, 2)});
  for (const int below : {2, 0, 0}) {
    Nic nic;
    nic.place = at("0000:13:00.0", below, below == 2 ? 1 : 0, below);
    hardware.nics.push_back(nic);
  }
  EXPECT_THAT(nearest_nics(hardware), ElementsAre(1, 2, 1, 2, 0));
}

TEST(NearestNics, LeaveOutInterfacesOnNoBus) {
  Hardware hardware;
  hardware.nics.emplace_back();
  hardware.accelerators.emplace_back();
  EXPECT_THAT(nearest_nics(hardware), ElementsAre(-1));
}

}  // namespace
}  // namespace motet
