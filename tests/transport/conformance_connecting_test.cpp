// Who connects to whom, in which order, and who never does.
#include <thread>

#include "conformance.hpp"

namespace motet::test {
namespace {

class Connecting : public Conformance {};

// Drives one engine alone until it finds nothing more to do.
void drive_alone(Engine& engine) {
  for (int fruitless = 0; fruitless < 100;) {
    fruitless = engine.transport().progress() ? 0 : fruitless + 1;
  }
}

void exchange(Engine& me, int peer) {
  for (std::uint32_t i = 0; i < 20; ++i) {
    me.send(peer, 1, i, 100 * i);
    me.receive(peer, 1, i, 100 * i);
  }
}

TEST_P(Connecting, WorksWhicheverSideBegins) {
  // Several times, since the transport may prefer a side by identity, which is random.
  for (int i = 0; i < 8; ++i) {
    Fleet fleet(GetParam(), 2);
    const int first = i % 2;
    fleet[first].connect(fleet[1 - first], fleet.credentials());
    drive_alone(fleet[first]);
    EXPECT_EQ(fleet[first].to(1 - first).state(), Endpoint::State::connecting);
    drive_alone(fleet[1 - first]);
    fleet[1 - first].connect(fleet[first], fleet.credentials());
    fleet.until([&] { return fleet[0].all_ready() && fleet[1].all_ready(); }, "both to be ready");
    fleet.run([](Engine& me) { exchange(me, 1 - me.rank()); });
  }
}

TEST_P(Connecting, GivesEndpointsThatRefuseBlocksUntilReady) {
  Fleet fleet(GetParam(), 2);
  fleet[0].connect(fleet[1], fleet.credentials());
  EXPECT_FALSE(fleet[0].to(1).send(header_of(1, 0, 0), nullptr));
  EXPECT_EQ(fleet[0].to(1).front(), nullptr);
  EXPECT_TRUE(fleet[0].to(1).flushed());
}

TEST_P(Connecting, ReachesItsOwnKindOnly) {
  Fleet fleet(GetParam(), 2);
  EXPECT_TRUE(fleet[0].transport().reaches(fleet[1].transport().address()));
  EXPECT_TRUE(fleet[1].transport().reaches(fleet[0].transport().address()));
  EXPECT_FALSE(fleet[0].transport().reaches(""));
  EXPECT_FALSE(fleet[0].transport().reaches("pigeon;7"));
}

TEST_P(Connecting, IsRefusedToWrongCredentials) {
  Fleet fleet(GetParam(), 2);
  Credentials forged = fleet.credentials();
  forged.key[0] ^= 1;  // knows the job's name, not its secret
  Engine stranger(GetParam(), 2, {});
  stranger.transport().admit(forged);
  for (const int member : {0, 1}) {
    stranger.connect(fleet[member], forged);
    fleet[member].connect(stranger, fleet.credentials());
  }
  // Ready with one another, whoever dials, long after the stranger has been refused.
  fleet[0].connect(fleet[1], fleet.credentials());
  drive_alone(stranger);
  fleet[1].connect(fleet[0], fleet.credentials());
  const auto members_ready = [&] {
    stranger.transport().progress();
    return fleet[0].to(1).state() == Endpoint::State::ready &&
           fleet[1].to(0).state() == Endpoint::State::ready;
  };
  fleet.until(members_ready, "the members to be ready");
  for (int i = 0; i < 200; ++i) {
    for (Engine* engine : {&fleet[0], &fleet[1], &stranger}) engine->transport().progress();
  }
  for (const int member : {0, 1}) {
    EXPECT_NE(stranger.to(member).state(), Endpoint::State::ready);
    EXPECT_NE(fleet[member].to(2).state(), Endpoint::State::ready);
  }
}

TEST_P(Connecting, IsRefusedOnceTheJobIsDismissed) {
  Fleet fleet(GetParam(), 2);
  for (const int rank : {0, 1}) fleet[rank].transport().dismiss(fleet.credentials().job);
  for (const int rank : {0, 1}) fleet[rank].connect(fleet[1 - rank], fleet.credentials());
  for (int i = 0; i < 2000; ++i) {
    for (const int rank : {0, 1}) fleet[rank].transport().progress();
  }
  for (const int rank : {0, 1}) {
    EXPECT_NE(fleet[rank].to(1 - rank).state(), Endpoint::State::ready);
  }
  fleet[0].transport().admit(fleet.credentials());
  fleet[1].transport().admit(fleet.credentials());
  const auto ready = [&] {
    return fleet[0].to(1).state() == Endpoint::State::ready &&
           fleet[1].to(0).state() == Endpoint::State::ready;
  };
  fleet.until(ready, "the members to be ready");
}

TEST_P(Connecting, AgainAfterADisconnectWorks) {
  Fleet fleet = connected(2);
  fleet.run([](Engine& me) { exchange(me, 1 - me.rank()); });
  fleet[0].disconnect(1);
  fleet.until([&] { return fleet[1].to(0).state() == Endpoint::State::failed; },
              "the other to notice");
  fleet[1].disconnect(0);
  fleet.connect();
  fleet.run([](Engine& me) { exchange(me, 1 - me.rank()); });
}

TEST_P(Connecting, ThreeInATriangle) {
  Fleet fleet = connected(3);
  fleet.run([](Engine& me) {
    const int right = (me.rank() + 1) % 3, left = (me.rank() + 2) % 3;
    for (std::uint32_t i = 0; i < 100; ++i) {
      me.send(right, 1, i, 10 * i);
      me.receive(left, 1, i, 10 * i);
      me.send(left, 2, i, 9 * i);
      me.receive(right, 2, i, 9 * i);
    }
  });
}

TEST_P(Connecting, FourAllToAll) {
  Fleet fleet = connected(4);
  fleet.run([](Engine& me) {
    const std::size_t longest = me.transport().max_block_bytes();
    for (std::uint32_t round = 0; round < 12; ++round) {
      const std::size_t bytes = round % 3 == 0 ? longest : round * 100;
      for (int shift = 1; shift < 4; ++shift) me.send((me.rank() + shift) % 4, round, 0, bytes);
      for (int shift = 1; shift < 4; ++shift) me.receive((me.rank() + shift) % 4, round, 0, bytes);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Every, Connecting, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
