// The hub and ranks of other hosts that reach it by several lines.
#include "bootstrap/hub_server.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "mortal.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

class HubOfTwoRanks : public ::testing::Test {
 protected:
  // A rank's end.
  struct Member {
    Identity engine = Identity::random();
    Poller poller;
    HealthLines lines{poller, 1};
    std::vector<int> sockets{};  // of the lines
  };

  // Of processes that the hub cannot watch.
  void SetUp() override {
    for (const Rank rank : {0, 1}) add_line(rank, HealthCall::join);
    add_line(1, HealthCall::another_line);
  }
  Descriptor dial(Rank rank) {
    Dialler dialler({hub_.addresses(), Purpose::health, members_[rank].engine, engine_},
                    credentials_);
    const Deadline deadline = Deadline::after(20s);
    while (!deadline.passed()) {
      if (auto connection = dialler.advance()) return std::move(connection->socket);
      hub_.advance();
      wait_for(dialler.descriptor(), POLLIN, Deadline::after(1ms));
    }
    ADD_FAILURE() << dialler.problem();
    return {};
  }
  void add_line(Rank rank, HealthCall call, const ProcessIdentity& process = {}) {
    Member& member = members_[rank];
    FramedSocket socket(dial(rank), longest_health_frame);
    member.sockets.push_back(socket.descriptor());
    EXPECT_TRUE(
        member.lines.add(std::move(socket), HealthLines::Standing::proposed,
                         encode(HealthMessage{.call = call, .rank = rank, .process = process})));
    const Deadline deadline = Deadline::after(20s);
    while (!wait_for(member.sockets.back(), POLLIN, Deadline::after(1ms)) && !deadline.passed())
      hub_.advance();
  }
  bool is_ready() { return wait_for(hub_.descriptor(), POLLIN, Deadline::after(100ms)); }
  void settle() {
    for (int i = 0; i < 100 && is_ready(); ++i) hub_.advance();
  }
  std::vector<HealthCall> heard_by(Rank rank) {
    std::vector<HealthCall> calls;
    while (const auto frame = members_[rank].lines.receive())
      calls.push_back(decode_health_message(*frame).value().call);
    return calls;
  }

  const Credentials credentials_ = Credentials::from_secret({});
  const Identity engine_ = Identity::random();
  HubServer hub_{credentials_, {.rank = 0, .world_size = 2, .engine = engine_}};
  std::array<Member, 2> members_;
};

TEST_F(HubOfTwoRanks, SleepsWhenARanksLinesHaveEndedOneAfterTheOther) {
  EXPECT_THAT(heard_by(0), Not(Contains(HealthCall::gone)));
  shutdown(members_[1].sockets[0], SHUT_WR);
  settle();
  EXPECT_THAT(heard_by(0), Contains(HealthCall::gone));
  shutdown(members_[1].sockets[1], SHUT_WR);
  settle();
  EXPECT_FALSE(is_ready());
}

TEST_F(HubOfTwoRanks, TakesAGoodbyeForNoDeath) {
  members_[1].lines.send(encode(HealthMessage{.call = HealthCall::goodbye}));
  members_[1].lines.close();
  settle();
  EXPECT_THAT(heard_by(0), Not(Contains(HealthCall::gone)));
}

TEST_F(HubOfTwoRanks, IgnoresALineThatEndsWithoutAWord) {
  dial(1).reset();
  settle();
  EXPECT_THAT(heard_by(0), Not(Contains(HealthCall::gone)));
}

TEST_F(HubOfTwoRanks, RefusesTooManyLinesAndKeepsTheRank) {
  add_line(1, HealthCall::another_line);
  add_line(1, HealthCall::another_line);
  FramedSocket one_more(dial(1), longest_health_frame);
  one_more.send(encode(HealthMessage{.call = HealthCall::another_line, .rank = 1}));
  settle();
  EXPECT_FALSE(one_more.receive());
  EXPECT_TRUE(one_more.broken());
  EXPECT_THAT(heard_by(0), Not(Contains(HealthCall::gone)));
  EXPECT_THAT(heard_by(1), Contains(HealthCall::ready));
  EXPECT_FALSE(members_[1].lines.lost());
}

class HubOfAProcess : public HubOfTwoRanks {
 protected:
  void SetUp() override {
    add_line(0, HealthCall::join);
    add_line(1, HealthCall::join, process_.identity());
  }
  Mortal process_;
};

// On a busy machine its last words come a moment later.
TEST_F(HubOfAProcess, TakesAGoodbyeForNoDeathAlthoughItsEndIsSeenFirst) {
  process_.kill();
  hub_.advance();
  members_[1].lines.send(encode(HealthMessage{.call = HealthCall::goodbye}));
  members_[1].lines.close();
  settle();
  EXPECT_THAT(heard_by(0), Not(Contains(HealthCall::gone)));
}

TEST_F(HubOfAProcess, TellsOfItsDeathAtOnceWhenItsConnectionEndsToo) {
  process_.kill();
  members_[1].lines.close();
  settle();
  EXPECT_THAT(heard_by(0), Contains(HealthCall::gone));
}

TEST_F(HubOfAProcess, TellsOfItsDeathAlthoughItsConnectionStaysOpen) {
  process_.kill();
  const Deadline deadline = Deadline::after(20s);
  std::vector<HealthCall> calls = heard_by(0);
  while (!std::ranges::count(calls, HealthCall::gone) && !deadline.passed()) {
    settle();
    calls = heard_by(0);
  }
  EXPECT_THAT(calls, Contains(HealthCall::gone));
}

}  // namespace
}  // namespace motet
