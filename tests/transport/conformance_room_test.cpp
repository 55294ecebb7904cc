// Who may send how much before somebody reads.
#include "conformance.hpp"

namespace motet::test {
namespace {

class Room : public Conformance {};

// Enough passes for anything under way to arrive and be answered.
void drive(Fleet& fleet) {
  for (int i = 0; i < 50; ++i) {
    for (const int rank : {0, 1}) fleet[rank].transport().progress();
  }
}

// Sends blocks of one stream from rank 0 to rank 1, who does not read, until there has been no room
// for long.
std::uint32_t send_until_full(Fleet& fleet, std::uint32_t stream, std::size_t bytes) {
  std::vector<std::byte> block(bytes);
  std::uint32_t sent = 0;
  for (int refused = 0; refused < 20;) {
    const Header header = header_of(stream, sent, bytes);
    fill(block.data(), bytes, header.key);
    if (fleet[0].to(1).send(header, block.data())) {
      ++sent;
      refused = 0;
    } else {
      ++refused;
      drive(fleet);
    }
  }
  return sent;
}

void read_all(Fleet& fleet, std::uint32_t stream, std::uint32_t blocks, std::size_t bytes) {
  for (std::uint32_t i = 0; i < blocks; ++i) {
    fleet.until([&] { return fleet[1].to(0).front() != nullptr; }, "a block that was sent");
    expect_block(*fleet[1].to(0).front(), stream, i, bytes);
    fleet[1].to(0).pop();
  }
}

TEST_P(Room, EndsForASenderFarAheadAndComesBack) {
  Fleet fleet = connected(2);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{40}, std::size_t{3000},
                                  fleet[0].transport().max_block_bytes()}) {
    for (std::uint32_t stream = 1; stream <= 3; ++stream) {
      const std::uint32_t sent = send_until_full(fleet, stream, bytes);
      EXPECT_GE(sent, 1U);
      // What a rank holds for others is bounded.
      EXPECT_LE(sent, 1024U);
      EXPECT_LE(sent * bytes, std::size_t{16} << 20);
      read_all(fleet, stream, sent, bytes);
    }
  }
}

// However many blocks of other streams nobody consumes, in whatever sizes.
TEST_P(Room, IsThereForAStreamWithNothingUnderWay) {
  for (const bool large : {false, true}) {
    Fleet fleet = connected(2);
    const std::size_t longest = fleet[0].transport().max_block_bytes();
    std::vector<std::unique_ptr<Aside>> kept;
    const auto set_aside_until = [&](std::uint32_t stream) {
      while (true) {
        fleet.until([&] { return fleet[1].to(0).front() != nullptr; },
                    "a block of the fresh stream");
        if (fleet[1].to(0).front()->header.stream == stream) return;
        kept.push_back(fleet[1].to(0).set_aside());
      }
    };
    std::vector<std::byte> block(longest);
    for (std::uint32_t stream = 1; stream <= 16; ++stream) {
      send_until_full(fleet, 100 + stream, large ? longest : 24);
      const std::size_t bytes = stream % 2 == 0 ? longest : 24;
      const Header header = header_of(stream, 0, bytes);
      fill(block.data(), bytes, header.key);
      const auto take = [&] {
        // The receiver takes what has come out of the way, and consumes none of it.
        while (fleet[1].to(0).front() != nullptr && fleet[1].to(0).front()->header.stream > 100) {
          kept.push_back(fleet[1].to(0).set_aside());
        }
        return fleet[0].to(1).send(header, block.data());
      };
      fleet.until(take, "room for a fresh stream");
      set_aside_until(stream);
      expect_block(*fleet[1].to(0).front(), stream, 0, bytes);
      fleet[1].to(0).pop();
    }
  }
}

// The sender sleeps while there is no room; whoever makes some wakes it.
TEST_P(Room, WakesTheSenderWhoWaitsForIt) {
  Fleet fleet = connected(2);
  constexpr std::uint32_t blocks = 300;
  fleet.run([&](Engine& me) {
    const std::size_t longest = me.transport().max_block_bytes();
    for (std::uint32_t i = 0; i < blocks; ++i) {
      const std::size_t bytes = i % 3 == 0 ? longest : 5 * i;
      if (me.rank() == 0) me.send(1, 7, i, bytes);
      if (me.rank() == 1) me.receive(0, 7, i, bytes);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Every, Room, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
