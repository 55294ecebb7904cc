#include "topology/survey.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::HasSubstr;

std::string complaint(std::string_view text) {
  try {
    Survey::from_text(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

Hardware server(int packages) {
  Hardware hardware;
  hardware.product = "Example \"8000\" \\ #2";
  for (int package = 0; package < packages; ++package) {
    std::vector<int> cpus;
    for (int cpu = 0; cpu < 32; ++cpu) cpus.push_back(32 * package + cpu);
    hardware.packages.push_back({package, CpuSet::of(cpus), 32, "Example 32-core"});
    hardware.numa_nodes.push_back({package, package, CpuSet::of(cpus), std::uint64_t{1} << 40});
  }
  hardware.caches = {{"L3", 32 << 20, 4, 8}, {"L2", 1 << 20, 64, 1}};
  for (int i = 0; i < 8; ++i) {
    const int package = i / 4;
    if (i % 4 == 0) {
      hardware.switches.push_back(
          {{fmt::format("0000:{:x}0:00.0", i + 1), -1, package, package, 63.015}});
    }
    const PciPlace place{fmt::format("0000:{:x}1:00.0", i + 1), package, package, package, 31.508};
    hardware.nics.push_back({fmt::format("mlx5_{}", i),
                             NicKind::roce,
                             place,
                             400,
                             "up",
                             {fmt::format("mlx5_{}:1", i)},
                             {fmt::format("eth{}", i)}});
    hardware.accelerators.push_back(
        {fmt::format("npu{}", i), AcceleratorKind::ascend, "PCI 19e5:d802", place});
  }
  hardware.unknown = {"speed of eth9: nobody knows"};
  return hardware;
}

Survey one_rank(const Hardware& hardware, const std::string& host, int local_rank) {
  Seat seat = seat_on(hardware, CpuSet::of({8 * local_rank, 8 * local_rank + 1}));
  seat.host = host;
  seat.quota_cores = 4;
  return {{hardware}, {seat}};
}

TEST(Survey, PrintsATextThatReadsBack) {
  Survey survey = one_rank(server(2), "alpha", 0);
  survey = merged(std::move(survey), one_rank(server(1), "beta", 3));
  survey.seats.emplace_back();
  survey.seats.back().machine = 1;  // whose seat says nothing else
  EXPECT_EQ(Survey::from_text(survey.to_text()), survey);
  EXPECT_EQ(Survey::from_text(""), Survey{});
}

TEST(Survey, KeepsEqualMachinesOnce) {
  Survey survey;
  for (int rank = 0; rank < 6; ++rank) {
    const auto machine = server(rank == 3 ? 1 : 2);
    survey =
        merged(std::move(survey), one_rank(machine, fmt::format("host{}", rank / 2), rank % 2));
  }
  EXPECT_EQ(survey.machines.size(), 2);
  EXPECT_EQ(survey.seats.size(), 6);
  EXPECT_EQ(survey.machine_of(3), server(1));
  EXPECT_EQ(survey.machine_of(5), server(2));
}

TEST(Survey, MergingIsAssociative) {
  const Survey a = one_rank(server(2), "a", 0), b = one_rank(server(1), "b", 0),
               c = one_rank(server(2), "c", 1);
  EXPECT_EQ(merged(merged(a, b), c), merged(a, merged(b, c)));
}

TEST(Survey, SeatsAreInThePackageAndNodeThatHoldAllTheirCpus) {
  const Hardware hardware = server(2);
  EXPECT_EQ(seat_on(hardware, CpuSet::of({33, 40})).package, 1);
  EXPECT_EQ(seat_on(hardware, CpuSet::of({31, 32})).package, -1);
  EXPECT_EQ(seat_on(hardware, CpuSet()).numa, -1);
}

TEST(Survey, OfFourThousandRanksStaysSmall) {
  // 512 machines of 8 ranks, and as uneven as they are likely to be: every eighth one is special.
  Survey survey;
  for (int node = 0; node < 512; ++node) {
    Hardware hardware = server(2);
    if (node % 8 == 0) hardware.unknown.push_back(fmt::format("speed of eth{}: unplugged", node));
    for (int local = 0; local < 8; ++local) {
      survey =
          merged(std::move(survey), one_rank(hardware, fmt::format("gpu-node-{:04}", node), local));
    }
  }
  const std::string text = survey.to_text();
  EXPECT_EQ(survey.machines.size(), 65);
  EXPECT_LT(text.size(), 4U << 20);
  EXPECT_EQ(Survey::from_text(text), survey);
}

TEST(SurveyText, ErrorsNameLineColumnAndWhatWasExpected) {
  EXPECT_THAT(complaint("machine\npackage id=zero"),
              HasSubstr("line 2, column 12: expected a number"));
  EXPECT_THAT(complaint("machine\npackage ids=0"),
              HasSubstr("line 2, column 9: expected id, cpus, cores, model, found 'ids'"));
  EXPECT_THAT(complaint("package id=0"), HasSubstr("line 1, column 1: expected 'machine'"));
  EXPECT_THAT(complaint("machine\nnumber id=0"), HasSubstr("expected machine, package, numa"));
  EXPECT_THAT(complaint("machine product="), HasSubstr("expected the value of product"));
  EXPECT_THAT(complaint("machine product"), HasSubstr("expected '=' after product"));
  EXPECT_THAT(complaint("machine product=\"x"), HasSubstr("expected a closing '\"'"));
  EXPECT_THAT(complaint("machine product=\"x\"y"), HasSubstr("expected a blank"));
  EXPECT_THAT(complaint("machine\nnic kind=token-ring"),
              HasSubstr("expected ethernet, infiniband, roce, unattached, found 'token-ring'"));
  EXPECT_THAT(complaint("machine\nnic gigabits=1e300"), HasSubstr("a number from 0 to 1000000"));
  EXPECT_THAT(complaint("machine\nnic gigabits=nan"), HasSubstr("a number from 0"));
  EXPECT_THAT(complaint("machine\nnuma cpus=3-1"), HasSubstr("a list of CPUs such as 0-3,8"));
  EXPECT_THAT(complaint("machine\nnic switch=0"), HasSubstr("a switch that is listed before"));
  EXPECT_THAT(complaint("machine\nswitch switch=0"), HasSubstr("a switch that is listed before"));
  EXPECT_THAT(complaint("machine\nrank machine=1"), HasSubstr("a rank on a machine below 1"));
  EXPECT_THAT(complaint("machine\nrank"), HasSubstr("a rank on a machine below 1"));
  EXPECT_THAT(complaint("machine\nrank machine=0\nmachine"),
              HasSubstr("machines before the ranks"));
}

}  // namespace
}  // namespace motet
