#include "topology/discovery/discover.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Survey recorded(const std::string& name) {
  return discover({.xml = std::string(MOTET_MACHINES) + "/" + name + ".xml"}, {});
}
Hardware machine(const std::string& name) {
  return recorded(name).machines.front();
}

TEST(Discover, SeesPackagesNodesAndCachesOfTwoSockets) {
  const Hardware server = machine("two_sockets");
  EXPECT_EQ(server.product, "Example 8000");
  ASSERT_EQ(server.packages.size(), 2);
  EXPECT_EQ(server.packages[1], (Package{1, *CpuSet::from_list("32-63"), 32, "Example 32-core"}));
  ASSERT_EQ(server.numa_nodes.size(), 4);
  EXPECT_EQ(server.numa_nodes[2],
            (NumaNode{2, 1, *CpuSet::from_list("32-47"), std::uint64_t{252} << 30}));
  ASSERT_EQ(server.caches.size(), 3);
  EXPECT_EQ(server.caches[0], (Cache{"L3", 32 << 20, 8, 8}));
}

TEST(Discover, SeesDevicesBehindTheirSwitches) {
  const Hardware server = machine("two_sockets");
  ASSERT_EQ(server.switches.size(), 4);
  ASSERT_EQ(server.accelerators.size(), 8);
  ASSERT_EQ(server.nics.size(), 9);
  EXPECT_EQ(server.accelerators[5].name, "cuda5");
  EXPECT_EQ(server.accelerators[5].kind, AcceleratorKind::cuda);
  EXPECT_EQ(server.accelerators[5].model, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(server.accelerators[5].place.address, "0000:75:00.0");
  EXPECT_EQ(server.accelerators[5].place.package, 1);
  EXPECT_EQ(server.accelerators[5].place.numa, 2);
  EXPECT_NEAR(server.accelerators[5].place.link_gigabytes, 63.015, 1e-3);
  const Nic& nic = server.nics[6];
  EXPECT_EQ(nic.name, "mlx5_5");
  EXPECT_EQ(nic.kind, NicKind::infiniband);
  EXPECT_EQ(nic.gigabits, 400);
  EXPECT_EQ(nic.state, "up");
  EXPECT_THAT(nic.ports, ElementsAre("mlx5_5:1"));
  EXPECT_THAT(nic.interfaces, ElementsAre("ib5"));
  EXPECT_EQ(nic.place.below, server.accelerators[5].place.below);
  EXPECT_THAT(server.unknown, IsEmpty());
}

TEST(Discover, GivesEachAcceleratorANicOfItsSwitch) {
  const Hardware server = machine("two_sockets");
  const std::vector<int> nearest = nearest_nics(server);
  for (std::size_t i = 0; i < 8; ++i) {
    const Nic& nic = server.nics.at(static_cast<std::size_t>(nearest.at(i)));
    EXPECT_EQ(nic.name, "mlx5_" + std::to_string(i));
    EXPECT_EQ(closeness(server, server.accelerators[i].place, nic.place), Closeness::same_switch);
  }
}

TEST(Discover, SeesNestedSwitchesAndWhatIsOnTheBusAlone) {
  const Hardware odd = machine("asymmetric");
  ASSERT_EQ(odd.switches.size(), 2);
  EXPECT_EQ(odd.switches[0].place.below, -1);
  EXPECT_EQ(odd.switches[1].place.below, 0);
  ASSERT_EQ(odd.accelerators.size(), 3);
  EXPECT_EQ(odd.accelerators[0].kind, AcceleratorKind::ascend);
  EXPECT_EQ(odd.accelerators[0].name, "npu0");
  EXPECT_EQ(odd.accelerators[0].place.below, 1);
  EXPECT_EQ(odd.accelerators[2].place.below, 0);
  EXPECT_THAT(odd.unknown, Contains(HasSubstr("npu0: seen on the PCI bus alone")));
}

TEST(Discover, SeesUnevenPackagesAndMemoryAlone) {
  const Hardware odd = machine("asymmetric");
  ASSERT_EQ(odd.packages.size(), 2);
  EXPECT_EQ(odd.packages[0].cores, 24);
  EXPECT_EQ(odd.packages[1].cores, 8);
  ASSERT_EQ(odd.numa_nodes.size(), 3);
  EXPECT_EQ(odd.numa_nodes[2].cpus, odd.numa_nodes[1].cpus);  // memory alone
  ASSERT_EQ(odd.nics.size(), 1);
  EXPECT_EQ(odd.nics[0].kind, NicKind::roce);
  EXPECT_EQ(odd.nics[0].place.package, 1);
  EXPECT_EQ(odd.nics[0].gigabits, 0);
  EXPECT_THAT(odd.unknown, Contains(HasSubstr("speed of mlx5_0")));
}

TEST(Discover, SeesADeviceOfTwoLibrariesOnce) {
  const Hardware laptop = machine("laptop");
  ASSERT_EQ(laptop.accelerators.size(), 1);
  EXPECT_EQ(laptop.accelerators[0].name, "ze0");
  EXPECT_EQ(laptop.accelerators[0].kind, AcceleratorKind::level_zero);
  EXPECT_EQ(laptop.packages[0].cores, 8);
  EXPECT_EQ(laptop.packages[0].cpus.count(), 12);
  ASSERT_EQ(laptop.nics.size(), 1);
  EXPECT_EQ(laptop.nics[0].name, "wlp0s20f3");
  EXPECT_THAT(laptop.unknown, Contains("PCI: no device reports the speed of its link"));
}

TEST(Discover, SeesTheWholeMachineAroundAContainer) {
  const Survey survey = recorded("container");
  EXPECT_EQ(survey.seats[0].host, "job-1-worker");
  EXPECT_EQ(survey.seats[0].cpus.to_list(), "5-6");
  EXPECT_EQ(survey.seats[0].package, 0);
  EXPECT_EQ(survey.machines[0].cpu_count(), 64);
  EXPECT_THAT(survey.machines[0].unknown, Contains(HasSubstr("PCI: no device is visible")));
  EXPECT_THAT(survey.machines[0].unknown, Contains("NICs: none is visible"));
}

TEST(Discover, PrintsATextThatReadsBack) {
  for (const char* name : {"two_sockets", "asymmetric", "laptop", "container"}) {
    const Survey survey = recorded(name);
    EXPECT_EQ(Survey::from_text(survey.to_text()), survey) << name;
  }
}

TEST(Discover, WritesXmlThatItReadsAlike) {
  const std::string file = testing::TempDir() + std::to_string(getpid()) + "_again.xml";
  write_xml({.xml = std::string(MOTET_MACHINES) + "/two_sockets.xml"}, file);
  EXPECT_EQ(discover({.xml = file}, {}), recorded("two_sockets"));
}

TEST(Discover, RefusesWhatIsNoXmlOfHwlocs) {
  const std::string file = testing::TempDir() + std::to_string(getpid()) + "_nonsense.xml";
  std::ofstream(file) << "nonsense";
  EXPECT_THROW(discover({.xml = file}, {}), Error);
  EXPECT_THROW(discover({.xml = "/nonexistent.xml"}, {}), Error);
}

TEST(Discover, SeesThisMachine) {
  const int cpu = sched_getcpu();
  const Survey survey = discover({}, CpuSet::of({cpu}));
  ASSERT_EQ(survey.machines.size(), 1);
  EXPECT_GT(survey.machines[0].cpu_count(), 0);
  EXPECT_FALSE(survey.seats.at(0).host.empty());
  EXPECT_EQ(Survey::from_text(survey.to_text()), survey);
}

TEST(Discover, SaysWhatItDoesNotSeeWithoutSysfs) {
  const Survey survey = discover({.xml = {}, .sysfs = "/nonexistent"}, CpuSet::of({0}));
  EXPECT_FALSE(survey.machines.at(0).unknown.empty());
}

}  // namespace
}  // namespace motet
