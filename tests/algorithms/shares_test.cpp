#include "algorithms/shares.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

constexpr Slice whole{Buffer::output, 100, 11};

TEST(Shares, CoverTheSliceOnce) {
  const Shares shares = Shares::even(whole, 4);
  std::size_t at = whole.offset;
  for (int i = 0; i < shares.size(); ++i) {
    EXPECT_EQ(shares.at(i).offset, at);
    at = shares.at(i).end();
  }
  EXPECT_EQ(at, whole.end());
}

TEST(Shares, CountRoundTheGroup) {
  const Shares shares = Shares::even(whole, 4);
  EXPECT_EQ(shares.at(-1), shares.at(3));
  EXPECT_EQ(shares.at(5), shares.at(1));
}

TEST(Shares, RunsWrapAroundInTwoSlices) {
  const Shares shares = Shares::even(whole, 4);
  EXPECT_EQ(shares.run(1, 2), (std::vector{whole.sub(3, 6)}));
  EXPECT_EQ(shares.run(2, 2), (std::vector{whole.sub(6, 5)}));
  EXPECT_EQ(shares.run(3, 2), (std::vector{whole.sub(9, 2), whole.sub(0, 3)}));
  EXPECT_EQ(shares.run(-1, 4), (std::vector{whole.sub(9, 2), whole.sub(0, 9)}));
}

TEST(Shares, ThatLieApartRunOneByOne) {
  const Shares shares = Shares::apart({whole.sub(8, 3), whole.sub(0, 2), whole.sub(2, 1)});
  EXPECT_EQ(shares.size(), 3);
  EXPECT_EQ(shares.at(4), whole.sub(0, 2));
  EXPECT_EQ(shares.run(1, 3), (std::vector{whole.sub(0, 2), whole.sub(2, 1), whole.sub(8, 3)}));
}

}  // namespace
}  // namespace motet
