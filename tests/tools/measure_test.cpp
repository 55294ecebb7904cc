#include "measure.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace motet_perf {
namespace {

TEST(Percentile, TakesTheNearestRank) {
  std::vector<double> values(200);
  std::iota(values.rbegin(), values.rend(), 1.0);  // 200 ... 1
  EXPECT_EQ(percentile(values, 0.5), 100);
  EXPECT_EQ(percentile(values, 0.99), 198);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile({7}, 0.99), 7);
}

TEST(Batches, FillTwoTenthsOfASecondWithMilliseconds) {
  const Batches small = plan_batches({}, 1, 1024);
  EXPECT_EQ(small.calls, 1024u);
  EXPECT_EQ(small.batches, 196u);
  const Batches large = plan_batches({}, 1e6, 1);
  EXPECT_EQ(large.calls, 1u);
  EXPECT_EQ(large.batches, 5u);
}

TEST(Batches, MakeAsManyCallsAsAsked) {
  const Batches few = plan_batches({.iterations = 20}, 1, 1024);
  EXPECT_EQ(few.batches * few.calls, 20u);
  EXPECT_EQ(plan_batches({.iterations = 20, .fresh = true}, 1, 1024).batches, 20u);
}

}  // namespace
}  // namespace motet_perf
