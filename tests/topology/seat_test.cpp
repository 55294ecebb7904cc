#include "topology/discovery/seat.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace motet {
namespace {

// A /sys of its own.
class FakeSysfs {
 public:
  FakeSysfs() {
    std::string name = testing::TempDir() + "sysfs_XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~FakeSysfs() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeSysfs(const FakeSysfs&) = delete;
  FakeSysfs& operator=(const FakeSysfs&) = delete;

  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = root_ + "/devices/system/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  void package(int cpu, int id, const std::string& cpus) const {
    const std::string folder = "cpu/cpu" + std::to_string(cpu) + "/topology/";
    write(folder + "physical_package_id", std::to_string(id));
    write(folder + "package_cpus_list", cpus);
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

// Two packages whose CPUs are numbered in turn, a NUMA node each, one of memory alone.
void describe_two_packages(const FakeSysfs& sysfs) {
  for (int cpu = 0; cpu < 8; ++cpu)
    sysfs.package(cpu, cpu % 2, cpu % 2 == 0 ? "0,2,4,6" : "1,3,5,7");
  sysfs.write("node/online", "0-2");
  sysfs.write("node/node0/cpulist", "0,2,4,6");
  sysfs.write("node/node1/cpulist", "1,3,5,7");
  sysfs.write("node/node2/cpulist", "");
}

TEST(Seat, IsThePackageAndNodeThatHoldAllCpus) {
  const FakeSysfs sysfs;
  describe_two_packages(sysfs);
  const Seat seat = seat_here(CpuSet::of({1, 5}), sysfs.root());
  EXPECT_EQ(seat.package, 1);
  EXPECT_EQ(seat.numa, 1);
  EXPECT_FALSE(seat.host.empty());
}

TEST(Seat, IsNoneWhereCpusSpanSeveral) {
  const FakeSysfs sysfs;
  describe_two_packages(sysfs);
  EXPECT_EQ(packages_and_numa_nodes(CpuSet::of({0, 1}), sysfs.root()).packages.size(), 2);
  const Seat seat = seat_here(CpuSet::of({0, 1}), sysfs.root());
  EXPECT_EQ(seat.package, -1);
  EXPECT_EQ(seat.numa, -1);
}

TEST(Seat, IsNoneWithoutSysfs) {
  const Seat seat = seat_here(CpuSet::of({0}), "/nonexistent");
  EXPECT_EQ(seat.package, -1);
  EXPECT_EQ(seat.numa, -1);
}

TEST(Seat, IgnoresNonsenseInSysfs) {
  const FakeSysfs sysfs;
  sysfs.package(0, 0, "1-");
  sysfs.write("node/online", "everything");
  const Seat seat = seat_here(CpuSet::of({0}), sysfs.root());
  EXPECT_EQ(seat.package, -1);
  EXPECT_EQ(seat.numa, -1);
}

}  // namespace
}  // namespace motet
