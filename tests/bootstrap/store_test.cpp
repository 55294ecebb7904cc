// All kinds of store keep the same promises.
#include "bootstrap/store.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "rank_processes.hpp"

namespace motet {
namespace {

using ::testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}
Deadline at_once() {
  return Deadline::after(std::chrono::milliseconds(20));
}

// A kind of store: every open() is another rank's view of the same words.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::shared_ptr<Store> open() = 0;
};

class InProcess final : public Place {
 public:
  std::shared_ptr<Store> open() override { return store_; }

 private:
  std::shared_ptr<Store> store_ = in_process_store();
};

class Files final : public Place {
 public:
  std::shared_ptr<Store> open() override { return file_store(directory_.name()); }

 private:
  testing::TemporaryDirectory directory_;
};

class Server final : public Place {
 public:
  std::shared_ptr<Store> open() override {
    return tcp_store(server_.addresses(), credentials_, soon());
  }

 private:
  Credentials credentials_ = Credentials::from_secret(random_secret());
  StoreServer server_{credentials_};
};

class Prefixed final : public Place {
 public:
  std::shared_ptr<Store> open() override { return prefix_store(*inner_, "job 7/"); }

 private:
  std::shared_ptr<Store> inner_ = in_process_store();
};

class Callbacks final : public Place {
 public:
  std::shared_ptr<Store> open() override {
    Store* inner = inner_.get();
    return callback_store(
        {.set = [inner](const std::string& key, std::string_view value) { inner->set(key, value); },
         .get = [inner](const std::string& key, const Deadline& by) { return inner->get(key, by); },
         .try_get = [inner](const std::string& key,
                            std::string* value) { return inner->try_get(key, value); },
         .add = [inner](const std::string& key, long amount) { return inner->add(key, amount); }});
  }

 private:
  std::shared_ptr<Store> inner_ = in_process_store();
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Place>()> make;
};

class EveryStore : public ::testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Place> place_ = GetParam().make();
  std::shared_ptr<Store> store_ = place_->open();
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryStore,
    ::testing::Values(Kind{"in_process", [] { return std::make_unique<InProcess>(); }},
                      Kind{"file", [] { return std::make_unique<Files>(); }},
                      Kind{"tcp", [] { return std::make_unique<Server>(); }},
                      Kind{"prefix", [] { return std::make_unique<Prefixed>(); }},
                      Kind{"callback", [] { return std::make_unique<Callbacks>(); }}),
    [](const auto& which) { return std::string(which.param.name); });

TEST_P(EveryStore, GivesWhatWasSetLast) {
  store_->set("a/key with spaces/%", "one");
  EXPECT_EQ(store_->get("a/key with spaces/%", soon()), "one");
  store_->set("a/key with spaces/%", "two");
  EXPECT_EQ(place_->open()->get("a/key with spaces/%", soon()), "two");
}

TEST_P(EveryStore, KeepsAnyBytesAndNone) {
  const std::string bytes("\0\n\xff:", 4);
  store_->set("bytes", bytes);
  store_->set("empty", "");
  EXPECT_EQ(store_->get("bytes", soon()), bytes);
  EXPECT_EQ(store_->get("empty", soon()), "");
  std::string value = "not touched yet";
  EXPECT_TRUE(store_->try_get("empty", &value));
  EXPECT_EQ(value, "");
}

TEST_P(EveryStore, KeepsLargeValuesAndLongKeys) {
  std::string large;
  large.resize(20'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>(i);
  const std::string key(4000, 'k');  // a prefix counts too
  store_->set(key, large);
  EXPECT_TRUE(place_->open()->get(key, soon()) == large);
}

TEST_P(EveryStore, TellsKeysApart) {
  const std::string base(200, 'k');
  store_->set(base + "/1", "one");
  store_->set(base + "_1", "two");
  EXPECT_EQ(store_->get(base + "/1", soon()), "one");
  EXPECT_EQ(store_->get(base + "_1", soon()), "two");
}

TEST_P(EveryStore, RefusesWhatIsTooLong) {
  EXPECT_THROW(store_->set(std::string(4097, 'k'), ""), Error);
  EXPECT_THROW(store_->set("", "value"), Error);
  EXPECT_THROW(store_->set("key", std::string(64 * 1024 * 1024 + 1, 'v')), Error);
  store_->set("key", "it still works");
  EXPECT_EQ(store_->get("key", soon()), "it still works");
}

TEST_P(EveryStore, NamesTheKeyNobodySet) {
  for (int i = 0; i < 2; ++i) {
    try {
      store_->get("the missing key", at_once());
      ADD_FAILURE() << "there is no such key";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::timeout);
      EXPECT_THAT(error.what(), HasSubstr("the missing key"));
    }
  }
  std::string value;
  EXPECT_FALSE(store_->try_get("the missing key", &value));
  store_->set("the missing key", "late");
  EXPECT_EQ(store_->get("the missing key", at_once()), "late");
}

TEST_P(EveryStore, WakesWhoWaits) {
  std::vector<std::string> got(3);
  std::vector<std::thread> waiting;
  waiting.reserve(got.size());
  for (std::string& value : got) {
    waiting.emplace_back([this, &value] { value = place_->open()->get("word", soon()); });
  }
  store_->set("another", "word");
  store_->set("word", "hello");
  for (std::thread& thread : waiting) thread.join();
  EXPECT_THAT(got, ::testing::Each("hello"));
}

TEST_P(EveryStore, AddsAtomically) {
  constexpr int threads = 4, each = 50;
  EXPECT_EQ(store_->add("negative", -3), -3);
  std::vector<std::thread> adding;
  adding.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    adding.emplace_back([this] {
      const auto mine = place_->open();
      for (int k = 0; k < each; ++k) mine->add("counter", 1);
    });
  }
  for (std::thread& thread : adding) thread.join();
  EXPECT_EQ(store_->add("counter", 0), threads * each);
  EXPECT_EQ(store_->get("counter", soon()), std::to_string(threads * each));
  store_->set("text", "seven");
  EXPECT_THROW(store_->add("text", 1), Error);
}

TEST_P(EveryStore, RefusesASumThatFitsNoCounter) {
  constexpr auto most = std::numeric_limits<long>::max(), least = std::numeric_limits<long>::min();
  for (const auto& [now, amount] : {std::pair(most, 1L), std::pair(least, -1L)}) {
    store_->set("counter", std::to_string(now));
    try {
      store_->add("counter", amount);
      ADD_FAILURE() << now << " + " << amount;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("counter' holds no number, or one too large"));
    }
    EXPECT_EQ(store_->add("counter", 0), now);
  }
  store_->set("counter", "99999999999999999999");
  EXPECT_THROW(store_->add("counter", 0), Error);
}

TEST(FileStore, IsReadableByItsOwnerOnly) {
  const testing::TemporaryDirectory parent;
  const std::string directory = parent.name() + "/store";
  file_store(directory)->set("key", "value");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(parent.name())) {
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(077),
              std::filesystem::perms::none)
        << entry;
  }
}

TEST(FileStore, SaysWhatIsWrongWithItsDirectory) {
  try {
    file_store("/proc/no such place");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/proc/no such place"));
  }
}

}  // namespace
}  // namespace motet
