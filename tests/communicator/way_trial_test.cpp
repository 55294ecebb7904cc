#include "communicator/way_trial.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

using std::chrono::microseconds;
using Way = Operation::Way;

// The way that calls go when each takes as long as `took` says of its way.
template <class Took>
Way settle(WayTrial trial, Took&& took) {
  for (int call = 0; trial.is_open(); ++call) {
    EXPECT_LT(call, 100);
    trial.note(took(trial.way(), call));
  }
  return trial.way();
}

TEST(WayTrial, TakesTheFastest) {
  const WayTrial trial({{}, {.reads_memory = false}, {.reads_memory = false, .past_caches = true}});
  const Way read =
      settle(trial, [](const Way& way, int) { return microseconds(way.reads_memory ? 1 : 2); });
  EXPECT_TRUE(read.reads_memory && !read.past_caches);
  const Way past =
      settle(trial, [](const Way& way, int) { return microseconds(way.past_caches ? 1 : 2); });
  EXPECT_TRUE(past.past_caches && !past.reads_memory);
}

TEST(WayTrial, ForgivesTheFirstCallOfEach) {
  const WayTrial trial({{}, {.reads_memory = false}});
  const Way way = settle(trial, [](const Way& tried, int call) {
    return microseconds(call < 2 ? 1000 : tried.reads_memory ? 1 : 2);
  });
  EXPECT_TRUE(way.reads_memory);
}

TEST(WayTrial, GoesTheFirstWayWhileNothingIsTimedAndTheOnlyOneForEver) {
  EXPECT_TRUE(WayTrial({{}, {.reads_memory = false}}).way().reads_memory);
  EXPECT_FALSE(WayTrial(std::vector<Way>(1)).is_open());
}

TEST(WayTrial, HasNothingToTryWhereNothingIsLarge) {
  EXPECT_EQ(ways_of(Program{}).size(), 1U);
  Program reading;
  reading.reading = Reading::likely;
  EXPECT_EQ(ways_of(reading).size(), 2U);
  reading.has_large_output = true;
  EXPECT_EQ(ways_of(reading).size(), 3U);
}

TEST(WayTrial, ReadsOverANetworkFirst) {
  Program program;
  program.reads_over_network = true;
  ASSERT_EQ(ways_of(program).size(), 2U);
  EXPECT_TRUE(ways_of(program).front().reads_memory);
}

}  // namespace
}  // namespace motet
