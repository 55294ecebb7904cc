// Abilities that some transports have: one copy for several readers, and memory that peers reach
// directly.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "conformance.hpp"

namespace motet::test {
namespace {

class Abilities : public Conformance {};

TEST_P(Abilities, OneBlockServesSeveralReaders) {
  Fleet fleet = connected(4);
  if (dynamic_cast<GroupSend*>(&fleet[0].transport()) == nullptr) GTEST_SKIP() << "no group send";
  fleet.run([](Engine& me) {
    const std::size_t longest = me.transport().max_block_bytes();
    std::vector<std::byte> block(longest);
    for (std::uint32_t i = 0; i < 100; ++i) {
      const std::size_t bytes = i % 4 == 3 ? longest : 31 * i;
      if (me.rank() != 0) {
        me.receive(0, 1, i, bytes);
        continue;
      }
      fill(block.data(), bytes, key_of(1, i));
      std::vector<GroupSend::Outgoing> left;
      for (int reader = 1; reader < 4; ++reader)
        left.push_back({&me.to(reader), header_of(1, i, bytes)});
      const auto all_sent = [&] {
        dynamic_cast<GroupSend&>(me.transport()).send_to_all(left, block.data());
        std::erase_if(left, [](const GroupSend::Outgoing& outgoing) { return outgoing.taken; });
        return left.empty();
      };
      me.until(all_sent, "room at all readers");
      std::fill(block.begin(), block.end(), std::byte{0xee});  // sending has copied it
    }
  });
}

TEST_P(Abilities, PeersReachGivenMemoryUntilItIsWithdrawn) {
  Fleet fleet = connected(2);
  auto* mine = dynamic_cast<SharedMemory*>(&fleet[0].transport());
  auto* here = dynamic_cast<PeerMemory*>(&fleet[0].to(1));
  auto* there = dynamic_cast<PeerMemory*>(&fleet[1].to(0));
  if (mine == nullptr || here == nullptr || there == nullptr) GTEST_SKIP() << "no peer memory";
  constexpr std::size_t bytes = 1 << 20;
  auto* memory = static_cast<std::byte*>(mine->allocate(bytes));
  fill(memory, bytes, 42);
  const auto location = here->publish(memory + 64, 4096);
  ASSERT_TRUE(location.has_value());
  const std::uint32_t epoch = here->epoch();
  std::byte* reached = nullptr;
  const auto reach = [&] { return (reached = there->reach(*location, 4096)) != nullptr; };
  fleet.until(reach, "the memory to be reached");
  ASSERT_TRUE(there->enter(epoch));
  EXPECT_EQ(std::memcmp(reached, memory + 64, 4096), 0);
  reached[5] = std::byte{0x77};
  there->leave();
  EXPECT_EQ(memory[69], std::byte{0x77});

  dynamic_cast<Withdrawable&>(fleet[0].transport()).withdraw();
  EXPECT_FALSE(there->enter(epoch));
  EXPECT_NE(here->epoch(), epoch);
  mine->free(memory);
}

// Both ends of a connection where each may read the other's memory.
struct Readers {
  PeerMemory* owner;
  PeerMemory* reader;
  Transport& owning_transport;
  Transport& reading_transport;

  explicit Readers(Fleet& fleet, int owning = 0, int reading = 1)
      : owner(dynamic_cast<PeerMemory*>(&fleet[owning].to(reading))),
        reader(dynamic_cast<PeerMemory*>(&fleet[reading].to(owning))),
        owning_transport(fleet[owning].transport()),
        reading_transport(fleet[reading].transport()) {}
  // Nothing where memory cannot be read; in one process it may be mapped instead.
  std::optional<Location> publish(const std::vector<std::byte>& memory) {
    if (owner == nullptr || reader == nullptr) return {};
    std::optional<Location> where;
    for (int i = 0; i < 1000 && !where; ++i) {  // until both know of each other
      owning_transport.progress();
      reading_transport.progress();
      held.push_back(owner->hold(memory.data(), memory.size()));
      where = owner->publish_for_reading(memory.data(), memory.size());
    }
    return where;
  }
  std::vector<std::shared_ptr<const void>> held;
};

TEST_P(Abilities, PeersReadWhatIsPublishedUntilItIsWithdrawn) {
  Fleet fleet = connected(2);
  Readers both(fleet);
  std::vector<std::byte> memory(1 << 20);
  fill(memory.data(), memory.size(), 42);
  const auto where = both.publish(memory);
  if (!where) GTEST_SKIP() << "memory is not read";
  const std::uint32_t epoch = both.owner->epoch();
  std::vector<std::byte> copy(memory.size());
  const auto read = [&] {
    const PeerMemory::Read state = both.reader->read(*where, copy.data(), copy.size());
    EXPECT_NE(state, PeerMemory::Read::refused);
    return state != PeerMemory::Read::pending;
  };
  ASSERT_TRUE(both.reader->enter(epoch));
  fleet.until(read, "the memory to be read");
  EXPECT_TRUE(both.reader->enter(epoch));
  both.reader->leave();
  EXPECT_TRUE(is_filled(copy.data(), copy.size(), 42));

  std::atomic<bool> withdrawn = false;
  std::thread owner([&] {
    dynamic_cast<Withdrawable&>(fleet[0].transport()).withdraw();
    withdrawn = true;
  });
  while (!withdrawn) fleet[1].transport().progress();  // a withdrawal ends by itself
  owner.join();
  const auto knows = [&] { return !both.reader->enter(epoch); };
  fleet.until(knows, "the reader to hear of the withdrawal");
  EXPECT_NE(both.owner->epoch(), epoch);

  // What is published from now on can be read.
  fill(memory.data(), memory.size(), 43);
  const auto again = both.publish(memory);
  ASSERT_TRUE(again.has_value());
  ASSERT_TRUE(both.reader->enter(both.owner->epoch()));
  const auto read_again = [&] {
    return both.reader->read(*again, copy.data(), copy.size()) == PeerMemory::Read::done;
  };
  fleet.until(read_again, "the memory to be read again");
  both.reader->leave();
  EXPECT_TRUE(is_filled(copy.data(), copy.size(), 43));
}

TEST_P(Abilities, ManyReadsAreUnderWayAtOnce) {
  Fleet fleet = connected(2);
  Readers both(fleet);
  constexpr std::size_t parts = 64, each = 100'001;
  std::vector<std::byte> memory(parts * each);
  fill(memory.data(), memory.size(), 7);
  const auto where = both.publish(memory);
  if (!where) GTEST_SKIP() << "memory is not read";
  std::vector<std::byte> copy(memory.size());
  std::vector<bool> done(parts);
  const auto read = [&] {
    for (std::size_t i = 0; i < parts; ++i) {
      if (done[i]) continue;
      const Location part = *both.owner->publish_for_reading(memory.data() + i * each, each);
      const auto state = both.reader->read(part, copy.data() + i * each, each);
      EXPECT_NE(state, PeerMemory::Read::refused);
      done[i] = state != PeerMemory::Read::pending;
    }
    return std::ranges::count(done, true) == static_cast<std::ptrdiff_t>(parts);
  };
  fleet.until(read, "all parts to be read");
  EXPECT_EQ(std::memcmp(copy.data(), memory.data(), memory.size()), 0);
}

// Of 8 MiB filled with 3 that rank 0 owns; under way.
struct LongRead {
  explicit LongRead(Fleet& fleet) : both(fleet), memory(8 << 20), copy(memory.size()) {
    fill(memory.data(), memory.size(), 3);
    where = both.publish(memory);
    if (!where) {
      unfit = "memory is not read";
    } else if (go_on() == PeerMemory::Read::done) {
      unfit = "reads are over at once";
    }
  }
  PeerMemory::Read go_on() { return state = both.reader->read(*where, copy.data(), copy.size()); }

  Readers both;
  std::vector<std::byte> memory, copy;
  std::optional<Location> where;
  PeerMemory::Read state = PeerMemory::Read::pending;
  std::string unfit;  // why the transport has no such reads
};

// A rank that withdraws is read no more, and writes to nobody's buffers: not even while it waits
// for a peer who makes no call.
TEST_P(Abilities, NoReadOutlivesAWithdrawal) {
  Fleet fleet = connected(2);
  LongRead long_read(fleet);
  if (!long_read.unfit.empty()) GTEST_SKIP() << long_read.unfit;
  dynamic_cast<Withdrawable&>(fleet[1].transport()).withdraw();  // the owner makes no call
  std::ranges::fill(long_read.copy, std::byte{0x11});
  for (int i = 0; i < 2000; ++i) {
    fleet[0].transport().progress();
    fleet[1].transport().progress();
  }
  EXPECT_EQ(std::ranges::count(long_read.copy, std::byte{0x11}),
            static_cast<std::ptrdiff_t>(long_read.copy.size()));
}

// Nor does what is withdrawn reach a reader who makes no call meanwhile: he gets what was there, or
// nothing.
TEST_P(Abilities, NoReadSeesWhatLiesThereAfterAWithdrawal) {
  Fleet fleet = connected(2);
  LongRead long_read(fleet);
  if (!long_read.unfit.empty()) GTEST_SKIP() << long_read.unfit;
  const std::uint32_t epoch = long_read.both.owner->epoch();
  dynamic_cast<Withdrawable&>(fleet[0].transport()).withdraw();
  std::ranges::fill(long_read.memory, std::byte{0x11});
  const auto ended = [&] { return long_read.go_on() != PeerMemory::Read::pending; };
  fleet.until(ended, "the read to end");
  // A device may have gone on with a read that it had begun: then the reader has been told.
  if (long_read.state == PeerMemory::Read::done && long_read.both.reader->enter(epoch)) {
    EXPECT_TRUE(is_filled(long_read.copy.data(), long_read.copy.size(), 3));
    long_read.both.reader->leave();
  }
}

// Over some fabrics a read that does not end takes the connections to everybody with it.
TEST_P(Abilities, OthersMayBeReadAfterAReadHasBeenCutOff) {
  std::vector<std::byte> memory(8 << 20), more(1 << 20);  // never withdrawn: they outlive the fleet
  Fleet fleet = connected(3);
  Readers first(fleet, 0, 2), second(fleet, 1, 2);
  const auto where = first.publish(memory);
  const auto elsewhere = second.publish(more);
  if (!where || !elsewhere) GTEST_SKIP() << "memory is not read";
  const std::uint32_t epoch = second.owner->epoch();
  std::vector<std::byte> copy(memory.size()), another(more.size());
  if (first.reader->read(*where, copy.data(), copy.size()) == PeerMemory::Read::done) {
    GTEST_SKIP() << "reads are over at once";
  }
  dynamic_cast<Withdrawable&>(fleet[2].transport()).withdraw();  // the owner makes no call
  const bool may_read = second.reader->enter(epoch);
  const bool failed = fleet[2].to(1).state() == Endpoint::State::failed;
  EXPECT_NE(may_read, failed);
  const auto ended = [&] {
    const auto read = second.reader->read(*elsewhere, another.data(), another.size());
    return read != PeerMemory::Read::pending;
  };
  fleet.until(ended, "the other read to end");
}

TEST_P(Abilities, AReadEndsWhenItsOwnerHasGone) {
  Fleet fleet = connected(2);
  Readers both(fleet);
  std::vector<std::byte> memory(8 << 20);
  const auto where = both.publish(memory);
  if (!where) GTEST_SKIP() << "memory is not read";
  std::vector<std::byte> copy(memory.size());
  const auto ended = [&] {
    return both.reader->read(*where, copy.data(), copy.size()) != PeerMemory::Read::pending;
  };
  ended();
  both.held.clear();
  fleet.destroy(0);
  fleet.until(ended, "the read to end");
}

INSTANTIATE_TEST_SUITE_P(Every, Abilities, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
