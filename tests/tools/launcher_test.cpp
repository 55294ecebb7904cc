#include "launch/launcher.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>

namespace motet_launch {
namespace {

TEST(Launcher, ThreadsRunEveryRankAndReportTheWorst) {
  std::atomic<int> sum{0};
  const int status = launch_threads(4, [&](int rank) {
    sum += rank;
    return rank == 2 ? 1 : 0;
  });
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(status, 1);
}

TEST(Launcher, EveryRankReadsAWholeWord) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  Word sent{};
  sent.front() = 'x';
  sent.back() = 'y';
  for (int i = 0; i < 2; ++i) ASSERT_EQ(write(ends[1], &sent, sizeof sent), ssize_t{sizeof sent});
  close(ends[1]);
  for (int rank = 1; rank <= 2; ++rank) {
    EXPECT_EQ(share_word({rank, 3, dup(ends[0])}, nullptr).back(), 'y');
  }
  EXPECT_THROW(share_word({3, 3, ends[0]}, nullptr), std::runtime_error);
}

}  // namespace
}  // namespace motet_launch
