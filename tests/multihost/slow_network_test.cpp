// Slow links between emulated hosts are found, counted and named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "hosts.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SlowNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = hosts_unavailable_because(); !why.empty()) GTEST_SKIP() << why;
  }

  static std::vector<RankOutput> seen_on(const std::vector<std::string>& hosts, int ranks,
                                         const Launch::Environment& environment = {}) {
    auto outputs = run_on_hosts(hosts, {.program = MOTET_TOPO,
                                        .arguments = {"--explain"},
                                        .ranks = ranks,
                                        .environment = environment});
    for (const RankOutput& rank : outputs) EXPECT_EQ(rank.status, 0) << rank.text;
    return outputs;
  }
};

TEST_F(SlowNetwork, IsMeasuredAndCounted) {
  const auto ranks = seen_on({"2", "--ranks", "3,1", "--rate", "100mbit"}, 4);
  EXPECT_THAT(ranks[0].text, AllOf(HasSubstr("a slow network: 0.01"),
                                   HasSubstr("GB/s from node to node (measured when")));
  for (const RankOutput& rank : ranks) EXPECT_THAT(rank.text, Not(HasSubstr("event=slow_network")));
}

TEST_F(SlowNetwork, OfOneHostIsNamedByThoseWhoReceiveByIt) {
  const auto ranks = seen_on({"4", "--rate", "200mbit", "--rate-of", "2=20mbit"}, 4);
  EXPECT_THAT(ranks[2].text, HasSubstr("event=slow_network peer=\"rank 1 on host h1\""));
  EXPECT_THAT(ranks[3].text, HasSubstr("event=slow_network peer=\"rank 2 on host h2\""));
  for (const std::size_t fast : {0U, 1U}) {
    EXPECT_THAT(ranks[fast].text, Not(HasSubstr("event=slow_network")));
  }
}

TEST_F(SlowNetwork, IsNotMeasuredWhereTheTuningSaysIt) {
  const TemporaryFolder folder;
  const std::string tuning = folder.path() + "/tuning";
  std::ofstream(tuning) << "nic 50 GB/s\n";
  const auto ranks = seen_on({"2", "--rate", "100mbit"}, 2, {{"MOTET_TUNING", tuning}});
  EXPECT_THAT(ranks[0].text, AllOf(Not(HasSubstr("a slow network")),
                                   HasSubstr("50 GB/s from node to node (as the tuning has it)")));
}

}  // namespace
}  // namespace motet::testing
