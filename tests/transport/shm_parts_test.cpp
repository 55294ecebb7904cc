// Segment, ring and slots by themselves: one thread plays both ends.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "base/error.hpp"
#include "fleet.hpp"
#include "transport/shm/bell.hpp"
#include "transport/shm/peer_process.hpp"
#include "transport/shm/regions.hpp"
#include "transport/shm/ring.hpp"
#include "transport/shm/slots.hpp"

namespace motet::shm {
namespace {

using test::fill;
using test::is_filled;

constexpr Sizes tiny{
    .ring_lines = 4, .ring_bytes = 256, .slots = 2, .overflow_slots = 3, .block_bytes = 4096};

std::shared_ptr<Segment> segment(const Sizes& sizes = tiny) {
  return Segment::create(sizes, Identity::random());
}

TEST(Segment, IsSealedAndZero) {
  const auto mine = segment();
  EXPECT_TRUE(is_sealed(mine->descriptor()));
  EXPECT_EQ(mine->engine().sleeping.load(), 0U);
  EXPECT_EQ(mine->lines(max_peers - 1)[3].control.load(), 0U);
  EXPECT_EQ(mine->readers(4).words[7].load(), 0U);
  EXPECT_EQ(*mine->block(4), std::byte{0});
}

TEST(Segment, RefusesSizesThatMakeNoSense) {
  const auto with = [](auto change) {
    Sizes sizes = tiny;
    change(sizes);
    return problem_with(sizes);
  };
  EXPECT_EQ(problem_with(tiny), "");
  EXPECT_NE(with([](Sizes& s) { s.ring_lines = 3; }), "");
  EXPECT_NE(with([](Sizes& s) { s.ring_lines = 0; }), "");
  EXPECT_NE(with([](Sizes& s) { s.ring_bytes = 100; }), "");
  EXPECT_NE(with([](Sizes& s) { s.slots = 0; }), "");
  EXPECT_NE(with([](Sizes& s) { s.slots = 65; }), "");
  EXPECT_NE(with([](Sizes& s) { s.overflow_slots = ~0U; }), "");
  EXPECT_NE(with([](Sizes& s) { s.block_bytes = longest_block + 1; }), "");
}

TEST(Segment, OfAPeerMustBeWhatItSays) {
  const std::size_t bytes = Layout(tiny).bytes();
  EXPECT_NO_THROW(Segment::attach(make_memory("test", bytes), tiny));
  EXPECT_THROW(Segment::attach(make_memory("test", bytes - 4096), tiny), Error);
  Descriptor unsealed(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(unsealed.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_THROW(Segment::attach(std::move(unsealed), tiny), Error);
}

TEST(Segment, IsSharedWithinTheProcess) {
  const Identity owner = Identity::random();
  auto mine = Segment::create(tiny, owner);
  EXPECT_EQ(Segment::of_this_process(owner), mine);
  mine.reset();
  EXPECT_EQ(Segment::of_this_process(owner), nullptr);
}

// A ring, and what a reader must see of it.
class RingAgainstModel {
 public:
  explicit RingAgainstModel(const Sizes& sizes)
      : segment_(segment(sizes)),
        writer_(*segment_, 5, credit_),
        reader_(*segment_, 5, *segment_, credit_, trouble_) {}

  void write(std::uint32_t bytes) {
    if (!writer_.has_line()) {
      EXPECT_EQ(model_.size(), segment_->layout().sizes().ring_lines) << "a line is free";
      return;
    }
    const Header header{next_, bytes + 1, ~bytes, bytes, static_cast<std::uint32_t>(next_ % 3)};
    std::vector<std::byte> data(bytes);
    fill(data.data(), bytes, next_);
    if (bytes <= inline_bytes) {
      writer_.put_in_line(header, data.data());
    } else if (!writer_.put_in_ring(header, data.data())) {
      EXPECT_FALSE(model_.empty()) << "an empty ring has room";
      return;
    }
    model_.push_back(header);
    ++next_;
  }
  void read() {
    const Arrival* const arrival = reader_.front();
    ASSERT_EQ(arrival == nullptr, model_.empty());
    if (arrival == nullptr) return;
    const Header& wanted = model_.front();
    EXPECT_EQ(arrival->header.key, wanted.key);
    EXPECT_EQ(arrival->header.fingerprint, wanted.fingerprint);
    EXPECT_EQ(arrival->header.consumed, wanted.consumed);
    EXPECT_EQ(arrival->header.bytes, wanted.bytes);
    EXPECT_EQ(arrival->header.stream, wanted.stream);
    EXPECT_TRUE(is_filled(arrival->data, wanted.bytes, wanted.key)) << "block " << wanted.key;
    reader_.pop();
    model_.pop_front();
  }
  std::uint32_t longest() const { return writer_.longest_payload(); }
  std::uint64_t written() const { return next_; }

 private:
  std::shared_ptr<Segment> segment_;
  std::atomic<std::uint64_t> credit_{0};
  bool trouble_ = false;
  RingWriter writer_;
  RingReader reader_;
  std::deque<Header> model_;
  std::uint64_t next_ = 0;
};

TEST(Ring, KeepsOrderAndBytesOverManyLaps) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  for (const Sizes& sizes :
       {tiny, Sizes{16, 1024, 1, 0, 64}, Sizes{1, 4096, 1, 0, 64}, Sizes{16, 32768, 8, 0, 64}}) {
    RingAgainstModel ring(sizes);
    // More laps than there are turns, so that these wrap too.
    while (ring.written() < 1200ULL * sizes.ring_lines && !::testing::Test::HasFailure()) {
      const auto run = static_cast<std::uint32_t>(random() % (2 * sizes.ring_lines) + 1);
      if (random() % 2 == 0) {
        for (std::uint32_t i = 0; i < run; ++i) {
          ring.write(static_cast<std::uint32_t>(random() % (ring.longest() + 1)));
        }
      } else {
        for (std::uint32_t i = 0; i < run; ++i) ring.read();
      }
    }
  }
}

TEST(Ring, StopsAtNonsense) {
  for (const Control bad :
       {Control(1, Place::in_line, inline_bytes + 1), Control(1, Place::in_ring, tiny.ring_bytes),
        Control(1, Place::in_slot, 1), Control(1, Place::in_lent, 1)}) {
    const auto theirs = segment(), mine = segment();
    std::atomic<std::uint64_t> credit{0};
    bool trouble = false;
    RingReader reader(*theirs, 0, *mine, credit, trouble);
    Line& line = theirs->lines(0)[0];
    line.payload.fill(std::byte{0xff});  // as an offset or a slot: far beyond the end
    line.control.store(bad.word());
    EXPECT_EQ(reader.front(), nullptr);
    EXPECT_TRUE(trouble);
    EXPECT_TRUE(reader.malformed());
    EXPECT_EQ(reader.front(), nullptr);
  }
}

TEST(Ring, IgnoresACreditThatCannotBe) {
  const auto mine = segment();
  std::atomic<std::uint64_t> credit{0};
  RingWriter writer(*mine, 0, credit);
  for (int i = 0; i < 4; ++i) writer.put_in_line({}, nullptr);
  for (const std::uint64_t nonsense : {std::uint64_t{5}, ~std::uint64_t{0}}) {
    credit.store(nonsense);
    EXPECT_FALSE(writer.has_line());
  }
  credit.store(1);
  EXPECT_TRUE(writer.has_line());
}

// A pool of two blocks, and the words that peers 3, 7, 9 and 500 write in their own segments.
struct Slots : testing::Test {
  static constexpr std::uint32_t all = 4096;  // bytes of the longest block
  const std::shared_ptr<Segment> mine = segment();
  SlotPool pool{*mine};
  std::map<std::uint32_t, std::shared_ptr<Segment>> peers;

  void SetUp() override {
    for (const std::uint32_t peer : {3, 7, 9, 500}) {
      peers[peer] = segment();
      pool.watch(peer, words(peer));
    }
  }
  PeerWords& words(std::uint32_t peer) { return peers.at(peer)->peer(0); }
  void consume(std::uint32_t peer) { words(peer).consumed.fetch_add(1); }
  std::uint32_t give(std::uint32_t peer, std::uint32_t stream = 0) {
    const std::uint32_t slot = pool.take(all).value();
    pool.give(slot, {.peer = peer, .stream = stream, .line = 0});
    return slot;
  }
};

TEST_F(Slots, AreFreeAgainWhenTheLastReaderHasReadThem) {
  const std::uint32_t slot = give(3, 1);
  pool.give(slot, {.peer = 500, .stream = 2, .line = 5});
  give(9);
  EXPECT_FALSE(pool.take(all));
  const std::uint64_t before = pool.released();
  EXPECT_TRUE(pool.holds(3, 1) && pool.holds(500, 2));
  EXPECT_FALSE(pool.holds(3, 2) || pool.holds(500, 1) || pool.holds(4, 1));
  consume(3);
  EXPECT_NE(pool.released(), before);
  EXPECT_FALSE(pool.holds(3, 1));
  words(500).consumed = 5;
  EXPECT_FALSE(pool.take(all)) << "its line is the sixth";
  consume(500);
  EXPECT_EQ(pool.take(all), slot);
}

TEST_F(Slots, SetAsideAreHeldBeyondTheirLine) {
  const std::uint32_t slot = give(3, 1);
  give(9);
  mine->readers(slot).words[0].fetch_or(std::uint64_t{1} << 3);
  consume(3);
  EXPECT_TRUE(pool.holds(3, 1));
  EXPECT_FALSE(pool.take(all));
  mine->readers(slot).words[0].fetch_and(~(std::uint64_t{1} << 3));
  EXPECT_EQ(pool.take(all), slot);
}

TEST_F(Slots, AreCutToTheLengthOfTheirBlocksAndTakeTurns) {
  const std::uint32_t unit = mine->layout().unit_bytes();
  std::set<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < units; ++i) {
    const auto slot = pool.take(unit);
    ASSERT_TRUE(slot);
    pool.give(*slot, {.peer = i % 2 == 0 ? 7U : 9U, .stream = 0, .line = 0});
    slots.insert(*slot);
  }
  EXPECT_EQ(slots.size(), units);
  EXPECT_FALSE(pool.take(0));
  consume(7);
  EXPECT_FALSE(pool.take(2 * unit)) << "every other unit is in use";
  EXPECT_EQ(pool.take(unit), 0U);
  EXPECT_EQ(pool.take(unit), 2U);
  consume(9);
  EXPECT_TRUE(pool.take(2 * unit));
}

TEST_F(Slots, OfTheLongestBlocksAreAllThereAfterAShortOne) {
  pool.give(*pool.take(1), {.peer = 3, .stream = 0, .line = 0});
  consume(3);
  for (std::uint32_t i = 0; i < tiny.slots; ++i) give(9);
  EXPECT_FALSE(pool.take(1));
}

TEST_F(Slots, NeverOverlap) {
  const Layout& layout = mine->layout();
  std::vector<std::pair<std::size_t, std::size_t>> taken;
  for (std::uint32_t bytes = 1; const auto slot = pool.take(bytes); bytes += 97) {
    pool.give(*slot, {.peer = 7, .stream = 0, .line = 0});
    EXPECT_TRUE(layout.contains(*slot, bytes));
    for (const auto& [begin, end] : taken) {
      EXPECT_TRUE(layout.block(*slot) >= end || layout.block(*slot) + bytes <= begin);
    }
    taken.emplace_back(layout.block(*slot), layout.block(*slot) + bytes);
  }
  EXPECT_GT(taken.size(), 5U);
  EXPECT_FALSE(layout.contains(units - 1, layout.unit_bytes() + 1));
  EXPECT_FALSE(layout.contains(units, all + 1) || layout.contains(layout.total_slots(), 0));
}

TEST_F(Slots, OfTheDeadComeBack) {
  for (int i = 0; i < 2; ++i) give(7);
  pool.give(*pool.take_overflow(), {.peer = 7, .stream = 0, .line = 0});
  EXPECT_FALSE(pool.take(all));
  pool.forget(7, SlotPool::Forget::what_it_reads);
  EXPECT_TRUE(pool.take(all));
  EXPECT_FALSE(pool.holds(7, 0));
}

// A slot is lent to peer 7.
struct Lending : Slots {
  static constexpr SlotReader borrower{.peer = 7, .stream = 1, .line = 0};
  std::uint32_t slot = 0;

  void SetUp() override {
    Slots::SetUp();
    slot = pool.lend(borrower, all).value();
  }
  void toggle() { words(7).kept.fetch_xor(std::uint64_t{1} << slot); }
  void keep() {
    toggle();
    consume(7);
  }
};

TEST_F(Lending, KeptSlotHoldsNothingAndIsNotFree) {
  EXPECT_TRUE(pool.holds(7, 1));
  const std::uint64_t before = pool.released();
  keep();
  EXPECT_FALSE(pool.holds(7, 1));
  EXPECT_NE(pool.released(), before);
  give(9);
  EXPECT_FALSE(pool.take(all));
}

TEST_F(Lending, ReadSlotThatIsNotKeptIsFree) {
  give(9);
  consume(7);
  EXPECT_EQ(pool.take(all), slot);
}

TEST_F(Lending, SlotComesBackFilledAndCanBeLentAgain) {
  for (std::uint64_t round = 0; round < 3; ++round) {
    keep();
    EXPECT_FALSE(pool.holds(7, 1));
    EXPECT_TRUE(pool.take_back(slot, 7));
    EXPECT_FALSE(pool.take_back(slot, 7)) << "once only";
    const auto again = pool.lend({.peer = 7, .stream = 1, .line = round + 1}, all);
    ASSERT_TRUE(again);
    slot = *again;
    EXPECT_TRUE(pool.holds(7, 1)) << "not read yet";
  }
}

TEST_F(Lending, SlotComesBackFilledAndGoesOutAgainAtOnce) {
  for (std::uint64_t round = 0; round < 3; ++round) {
    keep();
    EXPECT_TRUE(pool.is_lent_to(slot, 7, all));
    pool.lend_again(slot, {.peer = 7, .stream = 2, .line = round + 1});
    EXPECT_TRUE(pool.holds(7, 2)) << "not read yet";
  }
  give(9);
  consume(7);
  EXPECT_EQ(pool.take(all), slot) << "read, and not kept";
  EXPECT_FALSE(pool.is_lent_to(slot, 7, all));
}

TEST_F(Lending, SlotComesBackAsItIs) {
  keep();
  const std::uint64_t before = pool.released();
  toggle();
  EXPECT_NE(pool.released(), before);
  give(9);
  EXPECT_EQ(pool.take(all), slot);
}

TEST_F(Lending, HalfOfTheSlotsIsNotLent) {
  EXPECT_FALSE(pool.lend(borrower, all));
  EXPECT_TRUE(pool.take(all));
}

TEST_F(Lending, OnlyWhoHasBorrowedGivesBack) {
  EXPECT_FALSE(pool.take_back(slot, 8));
  EXPECT_FALSE(pool.take_back(1000, 7));
  EXPECT_FALSE(pool.is_lent_to(slot, 8, all));
  EXPECT_FALSE(pool.is_lent_to(1000, 7, all));
  EXPECT_FALSE(pool.is_lent_to(slot, 7, all + 1)) << "longer than it was lent for";
}

TEST_F(Lending, WhatIsLentToTheDeadStaysUntilTheyAreForgotten) {
  keep();
  give(9);
  pool.forget(7, SlotPool::Forget::what_it_reads);
  EXPECT_FALSE(pool.take(all)) << "the last block of the dead may be there";
  pool.forget(7, SlotPool::Forget::everything);
  EXPECT_EQ(pool.take(all), slot);
}

TEST_F(Slots, BeyondTheSoftOnesAreBoundedAndGiveTheirMemoryBack) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint32_t> slots;
    while (const auto slot = pool.take_overflow()) {
      *pool.block(*slot) = std::byte{1};
      pool.give(*slot, {.peer = 3, .stream = *slot, .line = 0});
      slots.push_back(*slot);
    }
    EXPECT_EQ(slots.size(), tiny.overflow_slots);
    pool.forget(3, SlotPool::Forget::what_it_reads);
  }
  EXPECT_EQ(pool.overflow_slots_touched(), tiny.overflow_slots);
  for (int i = 0; i < 1'000'000 && pool.overflow_slots_touched() > 0; ++i) pool.tidy();
  EXPECT_EQ(pool.overflow_slots_touched(), 0U);
  EXPECT_EQ(*mine->block(units), std::byte{0}) << "fresh pages";
}

TEST(Regions, AreFoundByAnyOfTheirBytes) {
  Regions regions;
  EXPECT_EQ(regions.find(&regions, 1), nullptr);
  auto* const first = static_cast<std::byte*>(regions.allocate(10'000));
  auto* const second = static_cast<std::byte*>(regions.allocate(1));
  const Region* const region = regions.find(first + 9'999, 1);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(region->address, first);
  EXPECT_EQ(regions.find(first, region->bytes + 1), nullptr);
  EXPECT_EQ(regions.find(first, ~std::size_t{0}), nullptr);
  EXPECT_EQ(regions.find(second, 0)->address, second);
  EXPECT_THROW(regions.remove(first), Error);
  regions.free(first);
  EXPECT_EQ(regions.find(first, 1), nullptr);
  EXPECT_THROW(regions.free(first), Error);
  regions.free(second);
}

TEST(Regions, TakeOnlySharedMappingsOfTheDescriptor) {
  Regions regions;
  const Descriptor memory = make_memory("test", 16384);
  void* const mapped = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 4096);
  void* const copy = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory.get(), 4096);
  EXPECT_THROW(regions.add(mapped, 8192, memory.get(), 0), Error);
  EXPECT_THROW(regions.add(mapped, 8193, memory.get(), 4096), Error);
  EXPECT_THROW(regions.add(copy, 8192, memory.get(), 4096), Error);
  EXPECT_THROW(regions.add(mapped, 8192, -1, 4096), Error);
  EXPECT_THROW(regions.add(nullptr, 8192, memory.get(), 4096), Error);
  regions.add(static_cast<std::byte*>(mapped) + 100, 5000, memory.get(), 4196);
  EXPECT_THROW(regions.add(mapped, 8192, memory.get(), 4096), Error) << "overlaps";
  regions.remove(static_cast<std::byte*>(mapped) + 100);
  regions.add(mapped, 8192, memory.get(), 4096);
  munmap(mapped, 8192);
  munmap(copy, 8192);
}

TEST(Regions, CutOffKeepTheirContentsAndLoseTheirReaders) {
  Regions regions;
  const Descriptor memory = make_memory("test", 16384);
  void* const mapped = mmap(nullptr, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  auto* const other = static_cast<std::byte*>(
      mmap(nullptr, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0));
  fill(static_cast<std::byte*>(mapped), 16384, 9);
  auto* const mine = static_cast<std::byte*>(mapped) + 5000;
  regions.add(mine, 6000, memory.get(), 5000);
  const std::uint64_t id = regions.find(mine, 1)->id;
  EXPECT_EQ(regions.cut_off(), std::vector<std::uint64_t>{id});
  EXPECT_NE(regions.find(mine, 1)->id, id);
  EXPECT_TRUE(is_filled(static_cast<std::byte*>(mapped), 16384, 9));
  other[5000] = ~other[5000];
  EXPECT_TRUE(is_filled(static_cast<std::byte*>(mapped), 16384, 9)) << "a late write is lost";
  munmap(mapped, 16384);
  munmap(other, 16384);
}

// Reads this process itself.
TEST(PeerProcess, IsReadOnceItsNonceHasBeenSeen) {
  const MemoryNonce nonce{1, 2, 3};
  const auto address = [](const void* data) { return reinterpret_cast<std::uint64_t>(data); };
  PeerProcess process(getpid(), {address(nonce.data()), nonce});
  ASSERT_TRUE(process.readable()) << process.refusal();
  std::vector<std::byte> data(10'000);
  std::vector<std::byte> read(10'000);
  fill(data.data(), data.size(), 4);
  EXPECT_TRUE(process.read(address(data.data()), read.data(), read.size()));
  EXPECT_EQ(read, data);
  EXPECT_FALSE(process.read(16, read.data(), 1)) << "nothing is there";
  EXPECT_TRUE(process.readable()) << "it is still the same process";
}

TEST(PeerProcess, IsNotReadWhenItIsAnotherOneOrNone) {
  const MemoryNonce nonce{1, 2, 3};
  const auto address = reinterpret_cast<std::uint64_t>(nonce.data());
  EXPECT_THAT(PeerProcess(getpid(), {address, MemoryNonce{}}).refusal(),
              testing::HasSubstr("another process"));
  EXPECT_FALSE(PeerProcess(getpid(), {16, nonce}).readable());
  EXPECT_FALSE(PeerProcess(0, {address, nonce}).readable());
  EXPECT_FALSE(PeerProcess(getpid(), {0, nonce}).readable()) << "it does not want to be read";
  std::byte byte{};
  EXPECT_FALSE(PeerProcess().read(address, &byte, 1));
}

}  // namespace
}  // namespace motet::shm
