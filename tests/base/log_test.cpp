#include "base/log.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

TEST(LogField, OfARankIsItsNumber) {
  EXPECT_EQ(rank_field("rank 12"), "rank=12");
  EXPECT_EQ(rank_field("one"), "rank=\"one\"");
}

TEST(LogLevel, ComesBackFromItsName) {
  for (const LogLevel level :
       {LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug}) {
    EXPECT_EQ(log_level_from(name(level)), level);
    EXPECT_NE(log_level_words.find(name(level)), std::string_view::npos);
  }
  for (const char* word : {"", "or", "loud", "Error", "warn"}) {
    EXPECT_EQ(log_level_from(word), std::nullopt) << word;
  }
}

}  // namespace
}  // namespace motet
