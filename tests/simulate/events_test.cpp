#include "simulate/events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace motet {
namespace {

using Place = std::pair<double, std::uint64_t>;

// Against a sorted set: times that many share and times of their own, events for now among them.
TEST(EventQueue, GivesWhatWasPutInInTheOrderOfTimesAndKeys) {
  std::mt19937 random(11);
  EventQueue queue;
  std::set<Place> model;
  double now = 0;
  std::uint64_t key = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (model.empty() || random() % 2 == 0) {
      const double ahead = random() % 3 == 0 ? 0 : static_cast<double>(random() % 50) / 8;
      const double own = random() % 10 == 0 ? static_cast<double>(i) * 1e-9 : 0;
      // Unlike any other, but in no order.
      const std::uint64_t mixed = (++key * 0x9e3779b97f4a7c15) | 1U;
      queue.push({now + ahead + own, mixed, 7, EventKind::worked});
      model.emplace(now + ahead + own, mixed);
      continue;
    }
    ASSERT_EQ(queue.next_time(), model.begin()->first);
    const Event event = queue.pop();
    ASSERT_EQ(Place(event.time, event.key), *model.begin());
    model.erase(model.begin());
    now = event.time;
  }
  while (!model.empty()) {
    const Event event = queue.pop();
    ASSERT_EQ(Place(event.time, event.key), *model.begin());
    model.erase(model.begin());
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace motet
