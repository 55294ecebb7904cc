// Ranks in processes of their own: no address and no lock is shared.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "random_program.hpp"
#include "scenarios.hpp"

namespace motet::test {
namespace {

class Processes : public testing::TestWithParam<std::string> {
 protected:
  static Network network() {
    Network network;
    network.transport = GetParam();
    return network;
  }
};

INSTANTIATE_TEST_SUITE_P(Transports, Processes,
                         testing::ValuesIn(available({"shm", "tcp", "ofi", "ucx"})),
                         [](const auto& one) { return one.param; });

TEST_P(Processes, WaitForTwoCommunicatorsInOppositeOrder) {
  for (const std::size_t count : {2U, 100'003U}) {
    EXPECT_EQ(run_processes(network(), 2,
                            [&](RankEngine& rank) { wait_in_opposite_order(rank, 2, count); }),
              "");
  }
}

TEST_P(Processes, ShareOneSlotAmongEightRanksAndTwoCommunicators) {
  Network scarce = network();
  scarce.options.slots = 1;
  EXPECT_EQ(
      run_processes(scarce, 8, [](RankEngine& rank) { wait_in_opposite_order(rank, 8, 100'003); }),
      "");
}

// The last one sits in a pipe read meanwhile.
TEST_P(Processes, CompleteCallsAlthoughARankOutsideThemMakesNone) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const auto through = [&] {
    if (write(ends[1], "!", 1) != 1) throw std::runtime_error("the pipe is closed");
  };
  const auto all_through = [&] {
    for (int i = 0; i < 3; ++i) {
      char word = 0;
      if (read(ends[0], &word, 1) != 1) throw std::runtime_error("the pipe is closed");
    }
  };
  for (const int slots : {8, 1}) {
    Network scarce = network();
    scarce.options.slots = slots;
    for (const std::size_t count : {2U, 100'003U}) {
      EXPECT_EQ(run_processes(scarce, 4,
                              [&](RankEngine& rank) {
                                leave_the_last_rank_out(rank, 4, count, through, all_through);
                              }),
                "");
    }
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_P(Processes, RunRandomPrograms) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const int ranks = 2 + static_cast<int>(seed % 5);
    const RandomProgram program = make_random_program(seed, ranks);
    EXPECT_EQ(run_processes(seed % 2 == 0 ? tiny(network()) : network(), ranks,
                            [&](RankEngine& rank) { run_program(program, rank, 1); }),
              "")
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace motet::test
