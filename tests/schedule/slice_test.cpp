#include "schedule/slice.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

TEST(Slice, PiecesCoverItOnceLargerOnesFirst) {
  const Slice slice{Buffer::output, 5, 7};
  EXPECT_EQ(slice.piece(0, 3), (Slice{Buffer::output, 5, 3}));
  EXPECT_EQ(slice.piece(1, 3), (Slice{Buffer::output, 8, 2}));
  EXPECT_EQ(slice.piece(2, 3), (Slice{Buffer::output, 10, 2}));
  EXPECT_EQ(slice.chunks(3).size(), 3U);
}

TEST(Slice, MorePiecesThanElementsLeaveSomeEmpty) {
  const Slice slice{Buffer::input, 2, 2};
  EXPECT_EQ(slice.piece(1, 5).count, 1U);
  EXPECT_TRUE(slice.piece(2, 5).empty());
  EXPECT_EQ(slice.piece(4, 5).end(), 4U);
}

TEST(Slice, OverlapNeedsACommonElementOfOneBuffer) {
  const Slice slice{Buffer::input, 2, 2};
  EXPECT_TRUE(slice.overlaps({Buffer::input, 3, 5}));
  EXPECT_FALSE(slice.overlaps({Buffer::input, 4, 5}));
  EXPECT_FALSE(slice.overlaps({Buffer::output, 2, 2}));
  EXPECT_FALSE(slice.overlaps({Buffer::input, 3, 0}));
}

TEST(Slice, PartsOfSevenAcrossThreeCoverEverythingOnce) {
  const Parts parts = Parts::even(7, 3);
  EXPECT_EQ(parts.total(), 7U);
  EXPECT_EQ(parts.count(0), 3U);
  EXPECT_EQ(parts.count(2), 2U);
  EXPECT_EQ(parts.offset(2), 5U);
  EXPECT_EQ(parts.count(1, 2), 4U);
}

TEST(Slice, PartsMayBeOnePerRank) {
  const Parts parts = Parts::each(std::vector<std::size_t>{2, 0, 5});
  EXPECT_EQ(parts.total(), 7U);
  EXPECT_EQ(parts.count(1), 0U);
  EXPECT_EQ(parts.offset(2), 2U);
  EXPECT_EQ(parts.count(0, 3), 7U);
}

TEST(Slice, UniformPartsAreEqualAndFewElementsMakeEmptyParts) {
  EXPECT_EQ(Parts::uniform(4, 3).total(), 12U);
  EXPECT_EQ(Parts::even(2, 3).count(2), 0U);
  EXPECT_EQ(Parts::even(2, 3).offset(2), 2U);
}

}  // namespace
}  // namespace motet
