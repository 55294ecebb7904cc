#include "bootstrap/store_tree.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "base/error.hpp"

namespace motet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Counts the calls that one rank makes.
class Counting final : public Store {
 public:
  explicit Counting(std::shared_ptr<Store> inner) : inner_(std::move(inner)) {}
  void set(const std::string& key, std::string_view value) override {
    ++calls;
    inner_->set(key, value);
  }
  std::string get(const std::string& key, const Deadline& deadline) override {
    ++calls;
    return inner_->get(key, deadline);
  }
  bool try_get(const std::string& key, std::string* value) override {
    ++calls;
    return inner_->try_get(key, value);
  }
  long add(const std::string& key, long amount) override {
    ++calls;
    return inner_->add(key, amount);
  }

  int calls = 0;

 private:
  std::shared_ptr<Store> inner_;
};

std::string in_order(int world_size) {
  std::string text;
  for (int rank = 0; rank < world_size; ++rank) text += fmt::format("{},", rank);
  return text;
}

class StoreTreeOf : public testing::TestWithParam<int> {};

TEST_P(StoreTreeOf, EveryRankGetsTheWordsOfAllInOrderWithFewCalls) {
  const int world_size = GetParam();
  const auto store = in_process_store();
  const std::string expected = in_order(world_size);
  std::atomic<int> most_calls{0}, wrong{0};
  {
    std::vector<std::jthread> ranks;
    for (int rank = 0; rank < world_size; ++rank) {
      ranks.emplace_back([&, rank] {
        Counting mine(store);
        const auto join = [](std::string first, const std::string& later) {
          return std::move(first) + later;
        };
        const std::string all =
            combine_all({mine, "words", rank, world_size}, fmt::format("{},", rank), join,
                        Deadline::after(seconds(30)));
        if (all != expected) ++wrong;
        for (int seen = most_calls; seen < mine.calls;) {
          if (most_calls.compare_exchange_weak(seen, mine.calls)) break;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  int doublings = 0;
  while ((1 << doublings) < world_size) ++doublings;
  EXPECT_LE(most_calls, doublings + 2);
}

INSTANTIATE_TEST_SUITE_P(WorldSizes, StoreTreeOf, testing::Values(1, 2, 3, 5, 8, 13, 64),
                         testing::PrintToStringParamName());

TEST(StoreTree, NamesARankThatDoesNotCome) {
  const auto store = in_process_store();
  const auto join = [](std::string first, const std::string& later) { return first + later; };
  try {
    combine_all({*store, "words", 0, 2}, "0", join, Deadline::after(milliseconds(20)));
    FAIL() << "rank 1 has not come";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), testing::HasSubstr("rank 1 did not come"));
  }
}

}  // namespace
}  // namespace motet
