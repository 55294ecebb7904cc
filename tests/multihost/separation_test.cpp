// Emulated hosts are as separate as real ones, and the library sees them so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hosts.hpp"

namespace motet::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;

class Separation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = hosts_unavailable_because(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(Separation, NobodyReadsMemoryOfAnotherHost) {
  const auto ranks =
      run_on_hosts({"2", "--ranks", "3,1"}, {.program = MOTET_STRANGERS_RANK, .ranks = 4});
  for (int rank = 0; rank < 4; ++rank) {
    // On a busy machine after a warning of a network that seems slow.
    EXPECT_THAT(ranks[static_cast<std::size_t>(rank)].text,
                EndsWith(rank < 3 ? "1110\n" : "0001\n"));
  }
}

// As containers often have it.
TEST_F(Separation, HostsWithOneNameAreDifferentNodes) {
  const auto ranks = run_on_hosts(
      {"2", "--ranks-per-host", "2"},
      {.program = "bash", .arguments = {"-c", "hostname same; exec " MOTET_TOPO}, .ranks = 4});
  for (const RankOutput& rank : ranks) EXPECT_EQ(rank.status, 0) << rank.text;
  EXPECT_THAT(ranks[0].text, ContainsRegex("node +2 groups: +0-1 . 2-3"));
}

}  // namespace
}  // namespace motet::testing
