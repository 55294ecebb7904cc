#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <set>

#include "transport/registered/registration_cache.hpp"

namespace motet::registered {
namespace {

const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

// A library that keeps a list of what it has been told.
struct Book {
  std::multiset<std::pair<std::uintptr_t, std::size_t>> entries;
  std::size_t made = 0;
  std::size_t most = 1000;  // more are refused

  RegistrationCache::Register maker() {
    return [this](std::byte* begin, std::size_t bytes) -> std::unique_ptr<Registration> {
      if (entries.size() == most) return nullptr;
      ++made;
      return std::make_unique<Line>(*this, begin, bytes);
    };
  }

  class Line final : public Registration {
   public:
    Line(Book& book, std::byte* begin, std::size_t bytes)
        : book_(book), at_(book.entries.insert({reinterpret_cast<std::uintptr_t>(begin), bytes})) {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() override { book_.entries.erase(at_); }

   private:
    Book& book_;
    decltype(Book::entries)::iterator at_;
  };
};

// Never touched: a cache only counts.
const std::byte* at(std::uintptr_t address) {
  return reinterpret_cast<const std::byte*>(address);  // NOLINT(performance-no-int-to-ptr)
}

using Keep = RegistrationCache::Keep;

TEST(RegistrationCache, RegistersWholePagesOnce) {
  Book book;
  RegistrationCache cache(book.maker(), Keep::as_long_as_there_is_room, {});
  const Held held = cache.get(at(10 * page + 5), page);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->begin, at(10 * page));
  EXPECT_EQ(held->bytes, 2 * page);
  EXPECT_EQ(cache.get(at(11 * page), 7), held);
  EXPECT_EQ(cache.get(at(10 * page), 2 * page), held);
  EXPECT_EQ(book.made, 1);
  EXPECT_NE(cache.get(at(11 * page), page + 1), held);
  EXPECT_EQ(book.made, 2);
}

TEST(RegistrationCache, DropsTheLeastRecentlyUsedThatNobodyHolds) {
  Book book;
  RegistrationCache cache(book.maker(), Keep::as_long_as_there_is_room, {.count = 3});
  const Held held = cache.get(at(page), 1);
  cache.get(at(2 * page), 1);
  cache.get(at(3 * page), 1);
  cache.get(at(2 * page), 1);  // used once more
  cache.get(at(4 * page), 1);  // 3 has to go
  EXPECT_EQ(cache.count(), 3);
  EXPECT_EQ(book.made, 4);
  cache.get(at(2 * page), 1);
  cache.get(at(page), 1);
  EXPECT_EQ(book.made, 4);
  cache.get(at(3 * page), 1);
  EXPECT_EQ(book.made, 5);
}

TEST(RegistrationCache, RefusesWhenAllThereMayBeAreHeld) {
  Book book;
  RegistrationCache cache(book.maker(), Keep::as_long_as_there_is_room,
                          {.count = 2, .bytes = 4 * page});
  EXPECT_EQ(cache.get(at(page), 5 * page), nullptr);
  const Held one = cache.get(at(page), 3 * page);
  EXPECT_EQ(cache.get(at(10 * page), 2 * page), nullptr);
  Held other = cache.get(at(10 * page), page);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(cache.get(at(20 * page), 1), nullptr);
  other.reset();
  EXPECT_NE(cache.get(at(20 * page), 1), nullptr);
  EXPECT_EQ(cache.bytes(), 4 * page);
}

TEST(RegistrationCache, MakesRoomWhereTheLibraryAllowsLess) {
  Book book;
  book.most = 1;
  RegistrationCache cache(book.maker(), Keep::as_long_as_there_is_room, {});
  EXPECT_NE(cache.get(at(page), 1), nullptr);
  const Held held = cache.get(at(2 * page), 1);
  EXPECT_NE(held, nullptr);
  EXPECT_EQ(cache.get(at(3 * page), 1), nullptr);
  EXPECT_EQ(cache.count(), 1);
}

TEST(RegistrationCache, EndsARegistrationWithItsLastHolder) {
  Book book;
  RegistrationCache cache(book.maker(), Keep::while_held, {});
  Held held = cache.get(at(page), 1);
  Held again = cache.get(at(page), 1);
  EXPECT_EQ(held, again);
  EXPECT_EQ(cache.count(), 1);
  held.reset();
  EXPECT_EQ(book.entries.size(), 1);
  again.reset();
  EXPECT_TRUE(book.entries.empty());
  EXPECT_EQ(cache.count(), 0);
  EXPECT_NE(cache.get(at(page), 1), nullptr);
  EXPECT_EQ(book.made, 2);
}

TEST(RegistrationCache, EndsAllWhenCleared) {
  Book book;
  for (const Keep keep : {Keep::while_held, Keep::as_long_as_there_is_room}) {
    RegistrationCache cache(book.maker(), keep, {});
    const Held held = cache.get(at(page), 1);
    cache.clear();
    EXPECT_TRUE(book.entries.empty());
    EXPECT_EQ(held->registration, nullptr);
    EXPECT_NE(cache.get(at(page), 1), held);
  }
}

}  // namespace
}  // namespace motet::registered
