#include "verify/symbols.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace motet {
namespace {

Symbols::Id sum_of(Symbols& symbols, const std::vector<Rank>& ranks, std::size_t element) {
  Symbols::Id sum = symbols.contribution(ranks.front(), element);
  for (std::size_t i = 1; i < ranks.size(); ++i) {
    sum = symbols.combine(sum, symbols.contribution(ranks[i], element));
  }
  return sum;
}

TEST(Symbols, EqualTreesAreEqualUpToSwappedOperands) {
  Symbols symbols(3, 5, true);
  const auto a = symbols.contribution(0, 4);
  const auto b = symbols.contribution(1, 4);
  const auto c = symbols.contribution(2, 4);
  EXPECT_EQ(symbols.combine(symbols.combine(a, b), c), symbols.combine(c, symbols.combine(b, a)));
  EXPECT_NE(symbols.combine(symbols.combine(a, b), c), symbols.combine(a, symbols.combine(b, c)));
}

TEST(Symbols, ATotalHasEveryRankOnce) {
  Symbols symbols(3, 5, true);
  EXPECT_TRUE(symbols.is_total(sum_of(symbols, {2, 0, 1}, 4), 4));
  EXPECT_FALSE(symbols.is_total(sum_of(symbols, {2, 0, 1}, 4), 3));
  EXPECT_FALSE(symbols.is_total(sum_of(symbols, {0, 1}, 4), 4));
  EXPECT_FALSE(symbols.is_total(sum_of(symbols, {0, 1, 1, 2}, 4), 4));
  const auto stray = symbols.combine(sum_of(symbols, {0, 1}, 4), symbols.contribution(2, 3));
  EXPECT_FALSE(symbols.is_total(stray, 4));
}

TEST(Symbols, WithoutCommutativityATotalIsInTheOrderOfRanks) {
  Symbols symbols(3, 5, false);
  EXPECT_TRUE(symbols.is_total(sum_of(symbols, {0, 1, 2}, 4), 4));
  EXPECT_FALSE(symbols.is_total(sum_of(symbols, {1, 0, 2}, 4), 4));
  const auto right = sum_of(symbols, {1, 2}, 4);
  EXPECT_TRUE(symbols.is_total(symbols.combine(symbols.contribution(0, 4), right), 4));
  EXPECT_FALSE(symbols.is_total(symbols.combine(right, symbols.contribution(0, 4)), 4));
}

TEST(Symbols, ManyCombinationsStayApart) {
  constexpr int n = 130;  // more ranks than bits in two words
  Symbols symbols(n, 300, true);
  std::vector<Rank> all(n);
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t element = 0; element < 300; ++element) {
    const auto total = sum_of(symbols, all, element);
    ASSERT_TRUE(symbols.is_total(total, element));
    ASSERT_EQ(total, sum_of(symbols, all, element));
  }
}

TEST(Symbols, TextShowsTheTree) {
  Symbols symbols(3, 5, true);
  EXPECT_EQ(symbols.to_text(sum_of(symbols, {0, 1, 2}, 4)), "ranks (2 op (0 op 1)), element 4");
  EXPECT_EQ(symbols.to_text(symbols.contribution(1, 2)), "rank 1, element 2");
  EXPECT_EQ(symbols.to_text(Symbols::unset), "nothing");
}

}  // namespace
}  // namespace motet
