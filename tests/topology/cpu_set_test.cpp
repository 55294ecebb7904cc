#include "topology/cpu_set.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

TEST(CpuSet, PrintsRangesAsTheKernelDoes) {
  EXPECT_EQ(CpuSet::of({8, 1, 0, 2, 3, 1}).to_list(), "0-3,8");
  EXPECT_EQ(CpuSet::of({}).to_list(), "");
}

TEST(CpuSet, ReadsWhatItPrints) {
  for (const char* text : {"", "0", "0-3,8", "1,3,5-65535"}) {
    const auto read = CpuSet::from_list(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->to_list(), text);
  }
  EXPECT_EQ(CpuSet::from_list("0-1,2"), CpuSet::of({0, 1, 2}));
}

TEST(CpuSet, RefusesWhatIsNoListOfAscendingRanges) {
  for (const char* text : {"x", "3-1", "1,1", "5,2", "1-", ",", "1,", "65536", "-1", "1 2"}) {
    EXPECT_FALSE(CpuSet::from_list(text)) << text;
  }
}

TEST(CpuSet, KnowsWhatItHolds) {
  const CpuSet set = CpuSet::of({0, 1, 2, 8});
  EXPECT_EQ(set.count(), 4);
  EXPECT_EQ(set.last(), 8);
  EXPECT_TRUE(set.includes(CpuSet::of({1, 8})));
  EXPECT_FALSE(set.includes(CpuSet::of({2, 3})));
  EXPECT_TRUE(set.meets(CpuSet::of({2, 3})));
  EXPECT_FALSE(set.meets(CpuSet::of({3, 9})));
}

}  // namespace
}  // namespace motet
