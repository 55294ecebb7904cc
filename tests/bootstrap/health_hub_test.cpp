// What the hub decides, without sockets and clocks; and the records it compares.
#include "bootstrap/health_hub.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <random>
#include <thread>

namespace motet {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

CallRecord allreduce(std::uint64_t sequence, std::uint64_t count = 4) {
  return {sequence, Collective::allreduce, DataType::float32, ReduceOp::sum, 0, count};
}

TEST(CallRecord, IsQuotedInFull) {
  EXPECT_EQ(to_text(allreduce(17, 262144)), "allreduce #17 (1 MiB float32 sum)");
  EXPECT_EQ(to_text(allreduce(17, 262145)), "allreduce #17 (1048580 B float32 sum)");
  EXPECT_EQ(to_text(allreduce(17, 0)), "allreduce #17 (0 B float32 sum)");
  EXPECT_EQ(to_text({3, Collective::reduce, DataType::int8, ReduceOp::max, 2, 5}),
            "reduce #3 (5 B int8 max root 2)");
  EXPECT_EQ(to_text({4, Collective::barrier, {}, {}, 0, 0}), "barrier #4");
  EXPECT_EQ(to_text({}), "no call");
}

TEST(CallRecord, AgreesUnlessSomethingThatMattersDiffers) {
  EXPECT_TRUE(agree(allreduce(1), allreduce(1)));
  EXPECT_FALSE(agree(allreduce(1, 0), allreduce(1, 5)));
  CallRecord other = allreduce(1);
  other.op = ReduceOp::max;
  EXPECT_FALSE(agree(allreduce(1), other));
  other = allreduce(1);
  other.root = 3;  // allreduce has none
  EXPECT_TRUE(agree(allreduce(1), other));
  other.type = DataType::int32;
  EXPECT_FALSE(agree(allreduce(1), other));
  const CallRecord barrier{1, Collective::barrier, DataType::int8, ReduceOp::sum, 0, 0};
  EXPECT_TRUE(agree(barrier, {1, Collective::barrier, DataType::float64, ReduceOp::max, 1, 9}));
  EXPECT_FALSE(agree(barrier, allreduce(1)));
}

TEST(CallLog, KeepsTheLatestInOrder) {
  CallLog log;
  EXPECT_THAT(log.read(), IsEmpty());
  constexpr std::uint64_t kept = CallLog::kept, last = 2 * kept + 40;
  for (std::uint64_t i = 1; i <= last; ++i) log.write(allreduce(i, i));
  const auto records = log.read();
  ASSERT_EQ(records.size(), kept);
  EXPECT_EQ(records.front(), allreduce(last - kept + 1, last - kept + 1));
  EXPECT_EQ(records.back(), allreduce(last, last));
}

TEST(CallLog, IsNeverReadTorn) {
  CallLog log;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      for (const CallRecord& record : log.read()) {
        EXPECT_EQ(record.count, record.sequence);
        EXPECT_EQ(record.root, static_cast<Rank>(record.sequence));
      }
    }
  });
  for (std::uint64_t i = 1; i <= 50'000; ++i) {
    log.write({i, Collective::broadcast, DataType::int8, ReduceOp::sum, static_cast<Rank>(i), i});
  }
  done = true;
  reader.join();
}

struct Told {
  Rank rank;
  HealthMessage message;
};

class Hub : public ::testing::Test {
 protected:
  static constexpr std::uint32_t communicator = 9;

  void SetUp() override {
    for (Rank rank = 0; rank < 3; ++rank) say(rank, {.call = HealthCall::join, .rank = rank});
    say(0, {.call = HealthCall::watch, .communicator = communicator, .members = {0, 1, 2}});
    told_.clear();
  }
  void say(Rank rank, const HealthMessage& message) { hub_.handle(rank, message, now_); }
  void wait(Rank rank, std::uint64_t sequence) {
    say(rank, {.call = HealthCall::wait, .communicator = communicator, .number = sequence});
  }
  std::size_t count(HealthCall call) const {
    return static_cast<std::size_t>(std::count_if(
        told_.begin(), told_.end(), [&](const Told& told) { return told.message.call == call; }));
  }

  // Fixed: only tick() tells the hub of a later time.
  const Clock::time_point now_ = Clock::time_point() + 1h;
  std::vector<Told> told_;
  HealthHub hub_{3, [this](Rank rank, const HealthMessage& message) {
                   told_.push_back({rank, message});
                 }};
};

TEST_F(Hub, AsksOnceForManyReports) {
  for (int i = 0; i < 50; ++i) wait(i % 3, 1);
  EXPECT_EQ(count(HealthCall::query), 3U);
  const auto again = hub_.tick(now_);
  EXPECT_NE(again, Clock::time_point::max());
  hub_.tick(again);
  EXPECT_EQ(count(HealthCall::query), 6U);
  EXPECT_EQ(hub_.tick(again), Clock::time_point::max());
}

TEST_F(Hub, StopsAskingWhoDoesNotAnswer) {
  auto now = now_;
  for (int i = 0; i < 500; ++i) {
    wait(1, 1);
    now += 200ms;
    hub_.tick(now);
  }
  EXPECT_LE(count(HealthCall::query), 3U * 64U);
}

TEST_F(Hub, GivesOneVerdictForACommunicator) {
  say(1, {.call = HealthCall::failure,
          .communicator = communicator,
          .code = ErrorCode::aborted,
          .text = "first"});
  say(2, {.call = HealthCall::failure,
          .communicator = communicator,
          .code = ErrorCode::aborted,
          .text = "second"});
  ASSERT_EQ(count(HealthCall::verdict), 2U);
  for (const Told& told : told_) {
    EXPECT_EQ(told.message.text, "first");
    EXPECT_NE(told.rank, 1);
  }
}

TEST_F(Hub, ReportsASilentMemberWhenPatienceEnds) {
  say(0, {.call = HealthCall::where,
          .communicator = communicator,
          .number = 5,
          .token = 77,
          .patience_ms = 100});
  for (const Rank rank : {0, 1}) {
    HealthMessage answer{.call = HealthCall::answer,
                         .communicator = communicator,
                         .token = 1,
                         .presence = Presence::here};
    answer.records = {allreduce(rank == 0 ? 5 : 4)};
    say(rank, answer);
  }
  EXPECT_EQ(count(HealthCall::places), 0U);
  hub_.tick(now_ + 100ms);
  ASSERT_EQ(count(HealthCall::places), 1U);
  EXPECT_EQ(told_.back().message.token, 77U);
  EXPECT_EQ(told_.back().message.text,
            "1 of 3 ranks have called #5; rank 1: last called allreduce #4 (16 B float32 sum); "
            "rank 2 does not answer");
}

TEST_F(Hub, CountsWhoLeftAfterTheCall) {
  say(1, {.call = HealthCall::left, .communicator = communicator, .records = {allreduce(4)}});
  say(2, {.call = HealthCall::left, .communicator = communicator, .records = {allreduce(5)}});
  say(0, {.call = HealthCall::where,
          .communicator = communicator,
          .number = 5,
          .token = 77,
          .patience_ms = 100});
  HealthMessage answer{.call = HealthCall::answer,
                       .communicator = communicator,
                       .token = 1,
                       .presence = Presence::here};
  answer.records = {allreduce(5)};
  say(0, answer);
  hub_.tick(now_ + 100ms);
  ASSERT_EQ(count(HealthCall::places), 1U);
  EXPECT_EQ(told_.back().message.text,
            "2 of 3 ranks have called #5; rank 1 has left after allreduce #4 (16 B float32 sum); "
            "rank 2 has left after allreduce #5 (16 B float32 sum)");
}

TEST_F(Hub, AnswersARankOnceHoweverOftenAndPatientlyItAsks) {
  for (std::uint64_t token = 1; token <= 100; ++token) {
    say(1, {.call = HealthCall::where,
            .communicator = communicator,
            .number = 5,
            .token = token,
            .patience_ms = std::numeric_limits<std::uint32_t>::max()});
  }
  EXPECT_EQ(hub_.tick(now_), now_ + 5s);
  EXPECT_EQ(count(HealthCall::places), 0U);
  EXPECT_EQ(hub_.tick(now_ + 5s), Clock::time_point::max());
  ASSERT_EQ(count(HealthCall::places), 1U);
  EXPECT_EQ(told_.back().message.token, 100U);
}

TEST_F(Hub, FinishesWhenEverybodyHasLeftOrDied) {
  say(0, {.call = HealthCall::goodbye});
  hub_.died(1, "is gone");
  EXPECT_FALSE(hub_.finished());
  say(2, {.call = HealthCall::goodbye});
  EXPECT_TRUE(hub_.finished());
}

TEST_F(Hub, SurvivesWhateverMembersSay) {
  const auto seed = std::random_device()();
  std::printf("seed=%u\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    HealthMessage message{.call = static_cast<HealthCall>(random() % 17)};
    message.communicator = random() % 4;
    message.number = random() % 5;
    message.token = random() % 5;
    message.rank = static_cast<Rank>(random() % 5) - 1;
    for (auto n = random() % 4; n > 0; --n)
      message.members.push_back(static_cast<Rank>(random() % 6) - 2);
    for (auto n = random() % 3; n > 0; --n)
      message.records.push_back(allreduce(1 + random() % 5, random() % 2));
    say(static_cast<Rank>(random() % 3), message);
    if (random() % 50 == 0) hub_.tick(now_ + std::chrono::milliseconds(random() % 500));
  }
}

TEST(HealthMessage, ComesBackFromItsBytesAndFromNoOthers) {
  HealthMessage message{
      .call = HealthCall::answer, .communicator = 7, .number = 1, .token = 5, .text = "text"};
  message.members = {0, 3, 5};
  message.records = {allreduce(4), allreduce(5)};
  message.process = ProcessIdentity::self();
  const std::string bytes = encode(message);
  const auto back = decode_health_message(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->members, message.members);
  EXPECT_EQ(back->records, message.records);
  EXPECT_EQ(back->process.started, message.process.started);
  EXPECT_EQ(encode(*back), bytes);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_health_message(bytes.substr(0, length)));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    decode_health_message(damaged);  // anything but a crash
  }
}

}  // namespace
}  // namespace motet
