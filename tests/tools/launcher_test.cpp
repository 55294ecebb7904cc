#include "launcher.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>

namespace motet_perf {
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

TEST(Launcher, EveryRankReadsAWholeId) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  motet_unique_id sent{};
  sent.bytes[0] = 'x';
  sent.bytes[255] = 'y';
  for (int i = 0; i < 2; ++i) ASSERT_EQ(write(ends[1], &sent, sizeof sent), ssize_t{sizeof sent});
  close(ends[1]);
  for (int rank = 1; rank <= 2; ++rank) {
    const Launch launch{Start::joining, 3, rank, dup(ends[0])};
    EXPECT_EQ(exchange_id(launch).bytes[255], 'y');
  }
  const Launch too_late{Start::joining, 3, 3, ends[0]};
  EXPECT_THROW(exchange_id(too_late), std::runtime_error);
}

}  // namespace
}  // namespace motet_perf
