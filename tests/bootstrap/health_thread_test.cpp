// Ranks that are threads of one process: one health thread serves them all.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <new>
#include <stdexcept>
#include <thread>

#include "base/error.hpp"
#include "bootstrap/health.hpp"
#include "bootstrap/health_thread.hpp"

namespace motet {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t communicator = 1;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

// Does one thing, at once.
class OneThing final : public HealthTask {
 public:
  explicit OneThing(std::function<void()> thing) : thing_(std::move(thing)) { bell_.ring(); }
  int descriptor() const override { return bell_.descriptor(); }
  bool advance() override {
    thing_();
    return false;
  }

 private:
  std::function<void()> thing_;
  Bell bell_;
};

TEST(HealthThread, LetsGoOfATaskThatFailsAndAdvancesTheOthers) {
  HealthThread& thread = HealthThread::of_this_process();
  std::promise<void> failing, done;
  const auto first = thread.add(std::make_shared<OneThing>([&] {
    failing.set_value();
    throw std::bad_alloc();
  }));
  failing.get_future().wait();
  const auto second = thread.add(std::make_shared<OneThing>([&] { done.set_value(); }));
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  thread.remove(first);
  thread.remove(second);
}

class HealthOfThreads : public ::testing::Test {
 protected:
  std::vector<std::unique_ptr<Health>> join(int count) {
    const Credentials credentials = Credentials::from_secret(random_secret());
    const auto store = in_process_store();
    std::vector<std::unique_ptr<Health>> ranks(static_cast<std::size_t>(count));
    std::vector<std::thread> joining;
    joining.reserve(ranks.size());
    for (int rank = 0; rank < count; ++rank) {
      joining.emplace_back([&, rank] {
        const Health::Member member{rank, count, Identity::random()};
        ranks[static_cast<std::size_t>(rank)] = Health::join(member, credentials, *store, soon());
      });
    }
    for (std::thread& thread : joining) thread.join();
    return ranks;
  }
  static std::shared_ptr<CallLog> log() { return std::make_shared<CallLog>(); }
};

TEST_F(HealthOfThreads, ServesSeveralJobsAtOnce) {
  auto first = join(3);
  auto second = join(2);
  std::promise<std::string> told;
  second[1]->watch(communicator, {0, 1}, log(), [&](const Verdict& v) { told.set_value(v.text); });
  first[1]->watch(communicator, {0, 1, 2}, log(),
                  [](const Verdict&) { FAIL() << "another job's"; });
  second[0]->report_failure(communicator, {ErrorCode::aborted, "of the second job"});
  EXPECT_EQ(told.get_future().get(), "of the second job");
  first.clear();
  EXPECT_EQ(join(2).size(), 2U);
}

TEST_F(HealthOfThreads, MayBeLeftFromItsOwnCallback) {
  auto ranks = join(2);
  std::promise<void> told;
  ranks[1]->watch(communicator, {0, 1}, log(), [&](const Verdict&) {
    ranks[1]->unwatch(communicator);
    told.set_value();
  });
  ranks[0]->report_failure(communicator, {ErrorCode::aborted, "aborted"});
  EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(HealthOfThreads, UnwatchWaitsForARunningCallback) {
  auto ranks = join(2);
  std::promise<void> entered, leave;
  std::atomic<bool> returned{false};
  ranks[1]->watch(communicator, {0, 1}, log(), [&](const Verdict&) {
    entered.set_value();
    leave.get_future().wait();
    returned = true;
  });
  ranks[0]->report_failure(communicator, {ErrorCode::aborted, "aborted"});
  entered.get_future().wait();
  std::thread leaving([&] {
    ranks[1]->unwatch(communicator);
    EXPECT_TRUE(returned);
  });
  leave.set_value();
  leaving.join();
}

TEST_F(HealthOfThreads, UnwatchReturnsAfterACallbackThatThrew) {
  auto ranks = join(2);
  std::promise<void> entered;
  ranks[1]->watch(communicator, {0, 1}, log(), [&](const Verdict&) {
    entered.set_value();
    throw std::runtime_error("a log sink of the user's");
  });
  ranks[0]->report_failure(communicator, {ErrorCode::aborted, "aborted"});
  entered.get_future().wait();
  ranks[1]->unwatch(communicator);
}

TEST_F(HealthOfThreads, NeverCallsBackAfterUnwatch) {
  auto ranks = join(2);
  for (std::uint32_t id = 1; id <= 300; ++id) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    std::atomic<int>* const told = alive.get();
    ranks[1]->watch(id, {0, 1}, log(), [told](const Verdict&) { ++*told; });
    ranks[0]->report_failure(id, {ErrorCode::aborted, "aborted"});
    if (id % 2 == 0) std::this_thread::yield();
    ranks[1]->unwatch(id);
    EXPECT_LE(told->load(), 1);
  }
}

TEST_F(HealthOfThreads, ReportsFromManyThreadsDisturbNobody) {
  auto ranks = join(4);
  std::atomic<int> verdicts{0};
  const std::vector<Rank> members{0, 1, 2, 3};
  std::vector<std::shared_ptr<CallLog>> logs;
  for (auto& rank : ranks) {
    logs.push_back(log());
    rank->watch(communicator, members, logs.back(), [&](const Verdict& v) {
      ADD_FAILURE() << v.text;
      ++verdicts;
    });
  }
  std::vector<std::thread> calling;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    calling.emplace_back([&, i] {
      for (std::uint64_t k = 1; k <= 2000; ++k) {
        logs[i]->write({k, Collective::allreduce, DataType::float32, ReduceOp::sum, 0, k});
        ranks[i]->report_wait(communicator, k);
      }
    });
  }
  for (std::thread& thread : calling) thread.join();
  EXPECT_EQ(ranks[2]->where_is_everybody(communicator, 2000, soon()),
            "4 of 4 ranks have called #2000");
  EXPECT_EQ(verdicts, 0);
}

TEST_F(HealthOfThreads, SaysWhichSecretDoesNotFit) {
  const auto store = in_process_store();
  const Credentials ours = Credentials::from_secret(random_secret());
  const Deadline deadline = Deadline::after(std::chrono::milliseconds(500));
  std::thread first([&] {
    EXPECT_THROW(Health::join({0, 2, Identity::random()}, ours, *store, deadline), Error);
  });
  try {
    Health::join({1, 2, Identity::random()}, Credentials::from_secret(random_secret()), *store,
                 deadline);
    ADD_FAILURE() << "another job's secret joined";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 1: joining: no health connection to rank 0"));
    EXPECT_THAT(error.what(), HasSubstr("secret"));
  }
  first.join();
}

}  // namespace
}  // namespace motet
