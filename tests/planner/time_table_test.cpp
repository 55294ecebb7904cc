#include "planner/time_table.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

TEST(TimeTable, IsLinearBetweenItsPointsAndBeyondThem) {
  const TimeTable table({{0, Seconds(1)}, {10, Seconds(2)}, {20, Seconds(5)}});
  EXPECT_DOUBLE_EQ(table.at(0).count(), 1);
  EXPECT_DOUBLE_EQ(table.at(5).count(), 1.5);
  EXPECT_DOUBLE_EQ(table.at(10).count(), 2);
  EXPECT_DOUBLE_EQ(table.at(15).count(), 3.5);
  EXPECT_DOUBLE_EQ(table.at(30).count(), 8);
}

TEST(TimeTable, TellsBytesFromWhatIsFixed) {
  const TimeTable table(Seconds(2), Seconds(3));
  EXPECT_DOUBLE_EQ(table.fixed().count(), 2);
  EXPECT_DOUBLE_EQ(table.of_bytes(100).count(), 300);
  EXPECT_DOUBLE_EQ(table.times(2).at(1).count(), 10);
}

TEST(TimeTable, OfNoPointsTakesNoTime) {
  EXPECT_EQ(TimeTable().at(1e9), Seconds());
  EXPECT_EQ(TimeTable().fixed(), Seconds());
}

}  // namespace
}  // namespace motet
