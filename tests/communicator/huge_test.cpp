// Messages of more than 2^31 elements and more than 4 GiB.
#include <gtest/gtest.h>

#include <fstream>

#include "scenario.hpp"

namespace motet::testing {
namespace {

std::size_t available_gib() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    std::size_t kib = 0;
    if (word == "MemAvailable:" && file >> kib) return kib >> 20;
  }
  return 0;
}

TEST(Huge, MessagesArriveWhole) {
  constexpr std::size_t needed_gib = 10;
  if (available_gib() < needed_gib) GTEST_SKIP() << "needs 10 GiB of free memory";
  const auto ranks =
      run_ranks({.program = MOTET_CALLS_RANK, .arguments = {"huge_messages"}, .deadline_s = 500});
  for (const RankOutput& rank : ranks) EXPECT_EQ(rank.status, 0) << rank.text;
}

}  // namespace
}  // namespace motet::testing
