// What shared memory promises beyond the conformance suite; ranks are engines of one process.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "fleet.hpp"

namespace motet::test {
namespace {

Flavour shm() {
  for (const Flavour& flavour : all_flavours()) {
    if (flavour.name == "shm") return flavour;
  }
  throw std::runtime_error("shm is not available");
}

constexpr std::size_t large = 20'000;

TransportOptions options(int slots) {
  TransportOptions options;
  options.slots = slots;
  options.block_bytes = 32 * 1024;
  return options;
}

bool try_send(Engine& from, int to, std::uint32_t stream, std::uint32_t index,
              std::size_t bytes = large) {
  std::vector<std::byte> block(bytes);
  const Header header = header_of(stream, index, bytes);
  fill(block.data(), bytes, header.key);
  return from.to(to).send(header, block.data());
}

TEST(Shm, OneSlotServesEveryStream) {
  Fleet fleet = connected_fleet(shm(), 2, options(1));
  for (std::uint32_t stream = 0; stream < 20; ++stream) {
    EXPECT_TRUE(try_send(fleet[0], 1, stream, 0)) << "nothing of this stream is under way";
    EXPECT_FALSE(try_send(fleet[0], 1, stream, 1)) << "a block of it is";
  }
  for (std::uint32_t stream = 0; stream < 20; ++stream) fleet[1].receive(0, stream, 0, large);
  for (std::uint32_t stream = 0; stream < 20; ++stream) {
    EXPECT_TRUE(try_send(fleet[0], 1, stream, 1));
  }
  for (std::uint32_t stream = 0; stream < 20; ++stream) fleet[1].receive(0, stream, 1, large);
}

TEST(Shm, SaysWhenRoomHasCome) {
  Fleet fleet = connected_fleet(shm(), 2, options(1));
  Transport& transport = fleet[0].transport();
  ASSERT_TRUE(try_send(fleet[0], 1, 1, 0));
  ASSERT_FALSE(try_send(fleet[0], 1, 1, 1));
  EXPECT_FALSE(transport.progress());
  fleet[1].receive(0, 1, 0, large);
  EXPECT_TRUE(transport.progress());
  EXPECT_FALSE(transport.progress()) << "once";

  std::uint32_t sent = 1;
  while (try_send(fleet[0], 1, 1, sent, 8)) ++sent;
  EXPECT_FALSE(transport.progress());
  fleet[1].receive(0, 1, 1, 8);
  EXPECT_TRUE(transport.progress());
}

// Waits for the block and sends it back as the one behind it; copied, if it cannot be changed where
// it lies. Whether it could.
bool return_changed(Engine& me, int peer, std::uint32_t round, std::size_t bytes) {
  me.until([&] { return me.to(peer).front() != nullptr; }, "a block");
  expect_block(*me.to(peer).front(), round, 0, bytes);
  auto& back = dynamic_cast<SendBack&>(me.to(peer));
  std::byte* const memory = back.front_to_change();
  if (memory == nullptr) {
    me.to(peer).pop();
    me.send(peer, round, 1, bytes);
    return false;
  }
  const Header header = header_of(round, 1, bytes);
  fill(memory, bytes, header.key);
  back.send_back(header);
  return true;
}

TEST(Shm, BlocksGoBackInTheMemoryInWhichTheyCame) {
  constexpr std::uint32_t rounds = 300;
  Fleet fleet = connected_fleet(shm(), 2, options(8));
  std::array<std::uint32_t, 2> returned{};
  fleet.run([&](Engine& me) {
    const int peer = 1 - me.rank();
    for (std::uint32_t round = 0; round < rounds; ++round) {
      const std::size_t bytes = round % 3 == 0 ? large : 1000 + round;
      const std::uint32_t mine = 2 * round + static_cast<std::uint32_t>(me.rank());
      const std::uint32_t theirs = 2 * round + static_cast<std::uint32_t>(peer);
      me.send(peer, mine, 0, bytes);
      returned.at(static_cast<std::size_t>(me.rank())) += return_changed(me, peer, theirs, bytes);
      me.receive(peer, mine, 1, bytes);
    }
  });
  // At first nothing is lent, as nobody knows yet that blocks are exchanged.
  for (const std::uint32_t count : returned) EXPECT_GT(count, rounds / 2);
}

TEST(Shm, WhatIsShortOrNotLentIsNotChanged) {
  Fleet fleet = connected_fleet(shm(), 2, options(8));
  for (const std::size_t bytes : {std::size_t{8}, std::size_t{200}, large}) {
    ASSERT_TRUE(try_send(fleet[0], 1, 1, 0, bytes));
    fleet[1].until([&] { return fleet[1].to(0).front() != nullptr; }, "a block");
    EXPECT_EQ(dynamic_cast<SendBack&>(fleet[1].to(0)).front_to_change(), nullptr) << bytes;
    fleet[1].receive(0, 1, 0, bytes);
  }
}

TEST(Shm, GroupsLeaveOutWhoHoldsABlock) {
  Fleet fleet = connected_fleet(shm(), 4, options(1));
  auto& group = dynamic_cast<GroupSend&>(fleet[0].transport());
  ASSERT_TRUE(try_send(fleet[0], 1, 5, 0));
  std::vector<std::byte> block(large);
  const Header header = header_of(5, 1, large);
  fill(block.data(), large, header.key);
  std::array outgoing{GroupSend::Outgoing{&fleet[0].to(1), header},
                      GroupSend::Outgoing{&fleet[0].to(2), header},
                      GroupSend::Outgoing{&fleet[0].to(3), header}};
  group.send_to_all(outgoing, block.data());
  EXPECT_FALSE(outgoing[0].taken) << "holds the block before";
  EXPECT_TRUE(outgoing[1].taken && outgoing[2].taken);
  fleet[2].receive(0, 5, 1, large);
  fleet[3].receive(0, 5, 1, large);
  fleet[1].receive(0, 5, 0, large);
  group.send_to_all(std::span(outgoing).first(1), block.data());
  EXPECT_TRUE(outgoing[0].taken);
  fleet[1].receive(0, 5, 1, large);
}

TEST(Shm, WhatIsSetAsideOutlivesBothEngines) {
  Fleet fleet = connected_fleet(shm(), 2, options(1));
  constexpr std::array<std::size_t, 4> sizes{0, 40, 3000, large};
  std::vector<std::unique_ptr<Aside>> asides;
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    ASSERT_TRUE(try_send(fleet[0], 1, i, 0, sizes[i]));
    ASSERT_NE(fleet[1].to(0).front(), nullptr);
    asides.push_back(fleet[1].to(0).set_aside());
  }
  fleet[1].disconnect(0);
  // A living peer must not reuse the slot either.
  const auto failed = [&] { return fleet[0].to(1).state() == Endpoint::State::failed; };
  fleet.until(failed, "the peer to have left");
  fleet[0].disconnect(1);
  fleet[0].connect(fleet[1], fleet.credentials());
  fleet[1].connect(fleet[0], fleet.credentials());
  const auto ready = [&] { return fleet[0].all_ready() && fleet[1].all_ready(); };
  fleet.until(ready, "the second connection");
  for (std::uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(try_send(fleet[0], 1, 100 + i, 0));
  fleet[0].disconnect(1);
  fleet[1].disconnect(0);
  fleet.destroy(0);
  fleet.destroy(1);
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    EXPECT_NO_THROW(expect_block(asides[i]->arrival(), i, 0, sizes[i]));
  }
}

TEST(Shm, PlacesOfPeersThatHaveGoneAreUsedAgain) {
  Fleet fleet = connected_fleet(shm(), 2, options(2));
  const auto ready = [&] { return fleet[0].all_ready() && fleet[1].all_ready(); };
  // More often than there are places.
  for (std::uint32_t round = 0; round < 600; ++round) {
    ASSERT_TRUE(try_send(fleet[0], 1, round, 0));
    ASSERT_TRUE(try_send(fleet[1], 0, round, 0, 3000));
    if (round % 2 == 0) fleet[1].receive(0, round, 0, large);
    fleet[round % 2 == 0 ? 0 : 1].disconnect(round % 2 == 0 ? 1 : 0);
    fleet[round % 2 == 0 ? 1 : 0].disconnect(round % 2 == 0 ? 0 : 1);
    fleet[0].connect(fleet[1], fleet.credentials());
    fleet[1].connect(fleet[0], fleet.credentials());
    fleet.until(ready, "another connection");
  }
}

TEST(Shm, OneEndpointPerPeer) {
  Fleet fleet = connected_fleet(shm(), 2);
  EXPECT_THROW(fleet[0].transport().connect(fleet[1].as_peer(fleet.credentials())), Error);
}

TEST(Shm, RefusesOptionsThatMakeNoSense) {
  TransportOptions bad;
  bad.ring_lines = 48;
  EXPECT_THROW(shm().open(bad), Error);
  bad = {};
  bad.slots = 0;
  EXPECT_THROW(shm().open(bad), Error);
}

TEST(Shm, ThreadsReachAnyMemoryUntilItIsWithdrawn) {
  Fleet fleet = connected_fleet(shm(), 2);
  auto& owner = dynamic_cast<PeerMemory&>(fleet[0].to(1));
  auto& mover = dynamic_cast<PeerMemory&>(fleet[1].to(0));
  std::vector<std::uint64_t> data(1000, 7);
  std::atomic<std::uint32_t> epoch{owner.epoch()};
  std::atomic<bool> stop{false};
  const auto location = owner.publish(data.data(), data.size() * 8);
  ASSERT_TRUE(location);
  std::uint64_t moved = 0;
  std::thread thread([&] {
    auto* const reached = reinterpret_cast<std::uint64_t*>(mover.reach(*location, data.size() * 8));
    while (!stop.load()) {
      if (!mover.enter(epoch.load())) continue;
      for (std::size_t i = 0; i < data.size(); ++i) reached[i] = 8;
      ++moved;
      mover.leave();
    }
  });
  // No torn block is seen after withdraw(), and nothing changes any more.
  for (int round = 0; round < 200; ++round) {
    dynamic_cast<Withdrawable&>(fleet[0].transport()).withdraw();
    std::fill(data.begin(), data.end(), 9);
    for (const std::uint64_t value : data) ASSERT_EQ(value, 9U);
    epoch.store(owner.epoch());
  }
  stop.store(true);
  thread.join();
}

// Both sides sleep whenever they can; a wake-up that is lost costs a minute, and so fails.
TEST(Shm, NoWakeUpIsLostBetweenThreads) {
  TransportOptions small = options(1);
  small.ring_lines = 4;
  small.ring_bytes = 256;
  Fleet fleet = connected_fleet(shm(), 2, small);
  fleet.run([](Engine& me) {
    std::mt19937 random(17);
    const int peer = 1 - me.rank();
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const std::size_t bytes = std::array<std::size_t, 3>{8, 50, 9000}[random() % 3];
      const std::uint32_t burst = random() % 8;
      for (std::uint32_t k = 0; k < burst; ++k) {
        const std::uint32_t index = i * 8 + k;
        if (((i + k) % 2 == 0) == (me.rank() == 0)) {
          me.send(peer, 1, index, bytes);
        } else {
          me.receive(peer, 1, index, bytes);
        }
      }
    }
  });
}

}  // namespace
}  // namespace motet::test
