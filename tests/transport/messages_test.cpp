// What libfabric's and UCX's endpoints have in common, over wires that shuffle.
#include <gtest/gtest.h>
#include <poll.h>

#include <deque>
#include <random>
#include <vector>

#include "fleet.hpp"
#include "transport/messages/alarm.hpp"
#include "transport/messages/directory.hpp"
#include "transport/messages/memory_endpoint.hpp"
#include "transport/messages/memory_epoch.hpp"
#include "transport/messages/message_endpoint.hpp"

namespace motet::test {
namespace {

using messages::Alarm;
using messages::Directory;
using messages::Envelope;
using messages::Loan;
using messages::MessageEndpoint;

struct Sent {
  Envelope envelope;
  std::vector<std::byte> payload;
};
using Cable = std::deque<Sent>;  // one direction

class TestWire final : public messages::Wire {
 public:
  explicit TestWire(Cable& cable) : cable_(cable) {}
  void set_owner(messages::WireOwner*) override {}
  bool has_room() const override { return true; }
  void post(const Envelope& envelope, std::span<const std::byte> payload) override {
    cable_.push_back({envelope, {payload.begin(), payload.end()}});
  }
  bool idle() const override { return idle_; }
  void set_idle(bool idle) { idle_ = idle; }

 private:
  Cable& cable_;
  bool idle_ = true;
};

// Everything can be read, and nothing is.
class TestMemory final : public messages::MemoryWire {
 public:
  std::shared_ptr<const void> hold(const void*, std::size_t) override { return nullptr; }
  std::shared_ptr<const void> hold_target(void*, std::size_t) override { return nullptr; }
  std::optional<Location> locate(const void*, std::size_t) override { return Location{}; }
  void start(std::shared_ptr<messages::FabricRead>) override {}
  void give_up() override {}
  void cut_off() override {}
};

struct Side {
  explicit Side(const Credentials& credentials) { directory.admit(credentials); }
  void connect(const Side& peer, const Credentials& credentials) {
    auto mine = std::make_unique<TestWire>(cable);
    wire = mine.get();
    endpoint = std::make_unique<MessageEndpoint>(MessageEndpoint::Setup{"test", identity, 1024},
                                                 Transport::Peer{.address = {},
                                                                 .engine = peer.identity,
                                                                 .name = "the other",
                                                                 .credentials = credentials},
                                                 std::move(mine), directory);
  }
  messages::MemoryEndpoint& connect_to_read(const Side& peer, const Credentials& credentials) {
    auto memory = std::make_unique<messages::MemoryEndpoint>(
        MessageEndpoint::Setup{"test", identity, 1024},
        Transport::Peer{.address = {},
                        .engine = peer.identity,
                        .name = "the other",
                        .credentials = credentials},
        std::make_unique<TestWire>(cable), directory,
        messages::MemoryEndpoint::Means{std::make_unique<TestMemory>(), epoch});
    messages::MemoryEndpoint& made = *memory;
    endpoint = std::move(memory);
    return made;
  }
  void deliver_all_to(Side& peer) {
    while (!cable.empty()) deliver_to(peer, 0);
  }
  // Hands over one of the messages on its way.
  void deliver_to(Side& peer, std::size_t which) {
    kept.push_back(std::move(cable.at(which)));
    cable.erase(cable.begin() + static_cast<std::ptrdiff_t>(which));
    peer.directory.deliver({kept.back().envelope, kept.back().payload, Loan{}});
  }

  Identity identity = Identity::random();
  Directory directory{identity};
  Cable cable;  // from here
  messages::MemoryEpoch epoch;
  TestWire* wire = nullptr;  // the endpoint's
  std::unique_ptr<MessageEndpoint> endpoint;
  std::deque<Sent> kept;  // what the peer may still read
};

TEST(Messages, ComeInOrderHoweverTheFabricShufflesThem) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  one.connect(other, job);
  other.connect(one, job);
  std::mt19937 random(5);
  std::uint32_t sent = 0, received = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t bytes = random() % 64;
    std::vector<std::byte> block(bytes);
    const Header header = header_of(sent % 3, sent, bytes);
    fill(block.data(), bytes, header.key);
    if (one.endpoint->send(header, block.data())) ++sent;
    if (!one.cable.empty()) one.deliver_to(other, random() % one.cable.size());
    if (!other.cable.empty()) other.deliver_to(one, random() % other.cable.size());
    for (; other.endpoint->front() != nullptr; other.endpoint->pop(), ++received) {
      const Arrival& arrival = *other.endpoint->front();
      expect_block(arrival, received % 3, received, arrival.header.bytes);
    }
  }
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::ready);
  EXPECT_GT(received, 1000U);
}

TEST(Messages, OfStrangersAreDropped) {
  const Credentials job = Credentials::from_secret(random_secret());
  Credentials forged = Credentials::from_secret(random_secret());
  forged.job = job.job;
  Side one(job), stranger(forged);
  one.connect(stranger, job);
  stranger.connect(one, forged);
  stranger.deliver_to(one, 0);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::connecting);
  // Nor does a block without a greeting get anywhere, whatever endpoint it guesses.
  Envelope envelope{.frame = flow::frame_of(header_of(1, 0, 0), {}), .to = 1, .number = 1};
  one.directory.deliver({envelope, {}, Loan{}});
  EXPECT_EQ(one.endpoint->front(), nullptr);
}

TEST(Messages, OfAnEarlyGreetingAreRememberedUntilTheJobIsDismissed) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  other.connect(one, job);
  other.deliver_to(one, 0);
  one.connect(other, job);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::ready);
}

// Whoever is ready may stop making calls.
TEST(Messages, WaitForTheirOwnGreetingToGoOut) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  one.connect(other, job);
  one.wire->set_idle(false);
  other.connect(one, job);
  other.deliver_to(one, 0);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::connecting);
  EXPECT_FALSE(one.endpoint->send(header_of(1, 0, 0), nullptr));
  one.wire->set_idle(true);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::ready);
}

TEST(Messages, OfAGreetingBeforeTheJobIsAdmittedAreRemembered) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  one.directory.dismiss(job.job);
  one.connect(other, job);
  other.connect(one, job);
  other.deliver_to(one, 0);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::connecting);
  one.directory.admit(job);
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::ready);
}

// Whoever gives up before he is greeted and tries again has another name.
class MessagesOfAGreetingTakenBack : public ::testing::Test {
 protected:
  // The greeting and the goodbye of an endpoint that is no more.
  void greet_and_give_up() {
    other_.connect(one_, job_);
    other_.endpoint.reset();
    ASSERT_EQ(other_.cable.size(), 2U);
  }
  void expect_nothing_left() {
    one_.connect(other_, job_);
    EXPECT_EQ(one_.endpoint->state(), Endpoint::State::connecting);
    other_.connect(one_, job_);
    other_.deliver_to(one_, 0);
    one_.deliver_to(other_, 0);
    ASSERT_TRUE(one_.endpoint->send(header_of(1, 0, 0), nullptr));
    one_.deliver_to(other_, 0);
    EXPECT_NE(other_.endpoint->front(), nullptr);
  }

  const Credentials job_ = Credentials::from_secret(random_secret());
  Side one_{job_}, other_{job_};
};

TEST_F(MessagesOfAGreetingTakenBack, AreNotForTheNextEndpoint) {
  greet_and_give_up();
  other_.deliver_to(one_, 0);
  other_.deliver_to(one_, 0);
  expect_nothing_left();
}

TEST_F(MessagesOfAGreetingTakenBack, MayComeInAnyOrder) {
  greet_and_give_up();
  other_.deliver_to(one_, 1);
  other_.deliver_to(one_, 0);
  expect_nothing_left();
}

TEST_F(MessagesOfAGreetingTakenBack, MayComeBeforeTheJobIsAdmitted) {
  one_.directory.dismiss(job_.job);
  greet_and_give_up();
  other_.deliver_to(one_, 0);
  other_.deliver_to(one_, 0);
  one_.directory.admit(job_);
  expect_nothing_left();
}

TEST_F(MessagesOfAGreetingTakenBack, MayComeWhenBothEndsAreNoMore) {
  one_.connect(other_, job_);
  other_.connect(one_, job_);
  one_.deliver_to(other_, 0);
  EXPECT_EQ(other_.endpoint->state(), Endpoint::State::ready);
  one_.endpoint.reset();
  other_.endpoint.reset();
  while (!other_.cable.empty()) other_.deliver_to(one_, 0);
  while (!one_.cable.empty()) one_.deliver_to(other_, 0);
  expect_nothing_left();
}

TEST_F(MessagesOfAGreetingTakenBack, EndTheEndpointThatHeardIt) {
  one_.connect(other_, job_);
  greet_and_give_up();
  other_.deliver_to(one_, 0);
  EXPECT_EQ(one_.endpoint->state(), Endpoint::State::ready);
  other_.deliver_to(one_, 0);
  EXPECT_EQ(one_.endpoint->failure(), "test: closed by the peer");
}

// The owner has said which epoch its memory has, and has not heard yet that the peer reads.
TEST(MessagesAboutMemory, NameEveryEpochToWhomeverKnowsOne) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  messages::MemoryEndpoint& owner = one.connect_to_read(other, job);
  messages::MemoryEndpoint& reader = other.connect_to_read(one, job);
  one.deliver_all_to(other);
  other.deliver_to(one, 0);  // the greeting alone
  one.deliver_all_to(other);
  ASSERT_TRUE(reader.enter(owner.epoch()));
  one.epoch.end([] { return false; }, [] {});
  for (int i = 0; i < 3; ++i) {
    other.deliver_all_to(one);
    one.deliver_all_to(other);
  }
  ASSERT_TRUE(owner.publish_for_reading(&job, 1));
  EXPECT_TRUE(reader.enter(owner.epoch()));
  EXPECT_FALSE(reader.enter(owner.epoch() - 1));
}

TEST(Messages, EndWithAGoodbye) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  one.connect(other, job);
  other.connect(one, job);
  one.deliver_to(other, 0);
  other.deliver_to(one, 0);
  ASSERT_TRUE(other.endpoint->send(header_of(1, 0, 0), nullptr));
  other.endpoint.reset();
  other.deliver_to(one, 1);  // the goodbye, before the block
  EXPECT_EQ(one.endpoint->state(), Endpoint::State::ready);
  other.deliver_to(one, 0);
  EXPECT_EQ(one.endpoint->failure(), "test: closed by the peer");
  ASSERT_NE(one.endpoint->front(), nullptr) << "what came before is handed out";
}

TEST(Messages, ThatCanComeNoMoreEndEveryEndpoint) {
  const Credentials job = Credentials::from_secret(random_secret());
  Side one(job), other(job);
  one.connect(other, job);
  const MessageEndpoint second(
      {"test", one.identity, 1024},
      Transport::Peer{
          .address = {}, .engine = Identity::random(), .name = "a third", .credentials = job},
      std::make_unique<TestWire>(one.cable), one.directory);
  one.directory.lose_all("test: the device is gone");
  one.directory.lose_all("test: it still is");
  EXPECT_EQ(one.endpoint->failure(), "test: the device is gone");
  EXPECT_EQ(second.failure(), "test: the device is gone");
}

TEST(Messages, ThatMakeNoSenseEndTheEndpoint) {
  const Credentials job = Credentials::from_secret(random_secret());
  const auto ends_with = [&](auto spoil) {
    Side one(job), other(job);
    one.connect(other, job);
    other.connect(one, job);
    one.deliver_to(other, 0);
    other.deliver_to(one, 0);
    EXPECT_TRUE(other.endpoint->send(header_of(1, 0, 0), nullptr));
    spoil(other.cable.front());
    other.deliver_to(one, 0);
    return one.endpoint->failure();
  };
  EXPECT_EQ(ends_with([](Sent& sent) {
              sent.envelope.frame.credit = {7, 1};
            }),
            "test: the peer consumed blocks that were not sent");
  EXPECT_EQ(ends_with([](Sent& sent) { sent.payload.resize(4); }),
            "test: the peer sent 4 bytes and said 0");
  EXPECT_EQ(ends_with([](Sent& sent) { sent.envelope.frame.kind = flow::FrameKind{1}; }),
            "test: the peer sent a message of unknown kind 0x1");
}

TEST(Alarm, RingsUntilItIsSilencedAndThenAgain) {
  Alarm alarm;
  alarm.ring_every(std::chrono::microseconds(250));
  for (int i = 0; i < 3; ++i) {
    pollfd watched{alarm.descriptor(), POLLIN, 0};
    const int most = static_cast<int>(std::chrono::milliseconds(patience).count());
    ASSERT_EQ(::poll(&watched, 1, most), 1);
    alarm.silence();
  }
  alarm.ring_every(std::chrono::hours(1));
  pollfd watched{alarm.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 0), 0) << "nor does it ring for the interval before";
}

}  // namespace
}  // namespace motet::test
