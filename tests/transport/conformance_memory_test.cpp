// Abilities that some transports have: one copy for several readers, and memory that peers reach
// directly.
#include <cstring>

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

INSTANTIATE_TEST_SUITE_P(Every, Abilities, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
