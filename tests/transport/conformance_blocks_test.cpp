// What is sent arrives: in order, whole, of every size.
#include <deque>
#include <map>
#include <random>

#include "conformance.hpp"

namespace motet::test {
namespace {

class Blocks : public Conformance {};

constexpr std::size_t large_message = 64 << 20;

// Sizes at which something changes: nothing, a ring's inline payload, lines, pages, the longest
// block.
std::vector<std::size_t> odd_sizes(std::size_t longest) {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = 0; bytes <= 300; ++bytes) sizes.push_back(bytes);
  for (const std::size_t bytes : {1023, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537}) {
    sizes.push_back(bytes);
  }
  sizes.push_back(longest - 1);
  sizes.push_back(longest);
  return sizes;
}

void send_message(Engine& me, int peer, std::uint32_t stream, std::size_t bytes) {
  const std::size_t longest = me.transport().max_block_bytes();
  for (std::uint32_t i = 0; bytes > 0; ++i) {
    const std::size_t part = std::min(bytes, longest);
    me.send(peer, stream, i, part);
    bytes -= part;
  }
}

void receive_message(Engine& me, int peer, std::uint32_t stream, std::size_t bytes) {
  const std::size_t longest = me.transport().max_block_bytes();
  for (std::uint32_t i = 0; bytes > 0; ++i) {
    const std::size_t part = std::min(bytes, longest);
    me.receive(peer, stream, i, part);
    bytes -= part;
  }
}

TEST_P(Blocks, OfOneStreamArriveInOrder) {
  Fleet fleet = connected(2);
  constexpr std::uint32_t blocks = 500;
  fleet.run([&](Engine& me) {
    const int peer = 1 - me.rank();
    for (std::uint32_t i = 0; i < blocks; ++i) {
      me.send(peer, 5, i, i % 97);
      me.receive(peer, 5, i, i % 97);
    }
  });
}

TEST_P(Blocks, WithoutBytesArrive) {
  Fleet fleet = connected(2);
  fleet.run([&](Engine& me) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      if (me.rank() == 0) me.send(1, 1, i, 0);
      if (me.rank() == 1) me.receive(0, 1, i, 0);
    }
  });
}

TEST_P(Blocks, OfOddSizesArriveWhole) {
  Fleet fleet = connected(2);
  fleet.run([&](Engine& me) {
    std::uint32_t index = 0;
    for (const std::size_t bytes : odd_sizes(me.transport().max_block_bytes())) {
      if (me.rank() == 0) me.send(1, 1, index, bytes);
      if (me.rank() == 1) me.receive(0, 1, index, bytes);
      ++index;
    }
  });
}

TEST_P(Blocks, CarryALargeMessage) {
  Fleet fleet = connected(2);
  fleet.run([&](Engine& me) {
    if (me.rank() == 0) send_message(me, 1, 9, large_message + 1);
    if (me.rank() == 1) receive_message(me, 0, 9, large_message + 1);
  });
}

TEST_P(Blocks, CarryALargeMessageInEachDirectionAtOnce) {
  Fleet fleet = connected(2);
  fleet.run([&](Engine& me) {
    const int peer = 1 - me.rank();
    const std::size_t longest = me.transport().max_block_bytes();
    const auto blocks = static_cast<std::uint32_t>(large_message / longest);
    std::vector<std::byte> block(longest);
    std::uint32_t sent = 0, received = 0;
    const auto step = [&] {
      // Until refused: then, and only then, the transport wakes us when there is room.
      while (sent < blocks) {
        const Header header = header_of(2, sent, longest);
        fill(block.data(), longest, header.key);
        if (!me.to(peer).send(header, block.data())) break;
        ++sent;
      }
      while (const Arrival* arrival = me.to(peer).front()) {
        expect_block(*arrival, 2, received++, longest);
        me.to(peer).pop();
      }
      return sent == blocks && received == blocks;
    };
    me.until(step, "both messages");
  });
}

TEST_P(Blocks, OfSeveralStreamsKeepEachStreamsOrder) {
  Fleet fleet = connected(2);
  constexpr std::uint32_t streams = 8, blocks = 60;
  const auto bytes_of = [](std::uint32_t stream, std::uint32_t index) {
    return std::size_t{stream} * 997 * (index % 5);
  };
  fleet.run([&](Engine& me) {
    std::mt19937 random(11);
    std::map<std::uint32_t, std::uint32_t> next;
    if (me.rank() == 0) {
      for (std::uint32_t left = streams * blocks; left > 0;) {
        const std::uint32_t stream = random() % streams;
        if (next[stream] == blocks) continue;
        me.send(1, stream, next[stream], bytes_of(stream, next[stream]));
        ++next[stream];
        --left;
      }
      return;
    }
    for (std::uint32_t left = streams * blocks; left > 0; --left) {
      me.until([&] { return me.to(0).front() != nullptr; }, "a block of any stream");
      const Arrival& arrival = *me.to(0).front();
      const std::uint32_t stream = arrival.header.stream;
      ASSERT_LT(stream, streams);
      expect_block(arrival, stream, next[stream], bytes_of(stream, next[stream]));
      ++next[stream];
      me.to(0).pop();
    }
  });
}

TEST_P(Blocks, SetAsideStayReadable) {
  Fleet fleet = connected(2);
  constexpr std::uint32_t blocks = 400;
  const auto bytes_of = [](std::uint32_t index) { return std::size_t{index} * 211 % 70'000; };
  fleet.run([&](Engine& me) {
    if (me.rank() == 0) {
      // Streams change often, so that there is always room although others are kept.
      for (std::uint32_t i = 0; i < blocks; ++i) me.send(1, i / 2, i % 2, bytes_of(i));
      return;
    }
    std::mt19937 random(5);
    struct Kept {
      std::unique_ptr<Aside> block;
      std::uint32_t stream, index;
    };
    std::vector<Kept> kept;
    std::map<std::uint32_t, std::uint32_t> next;
    const auto release_one = [&] {
      std::swap(kept[random() % kept.size()], kept.back());
      const Kept& last = kept.back();
      expect_block(last.block->arrival(), last.stream, last.index,
                   bytes_of(2 * last.stream + last.index));
      kept.pop_back();
    };
    for (std::uint32_t received = 0; received < blocks; ++received) {
      me.until([&] { return me.to(0).front() != nullptr; }, "a block of any stream");
      const std::uint32_t stream = me.to(0).front()->header.stream;
      kept.push_back({me.to(0).set_aside(), stream, next[stream]++});
      if (kept.size() > 6) release_one();
    }
    while (!kept.empty()) release_one();
  });
}

TEST_P(Blocks, WakeASleeper) {
  Fleet fleet = connected(2);
  fleet.run([&](Engine& me) {
    const int peer = 1 - me.rank();
    for (std::uint32_t i = 0; i < 2000; ++i) {
      // A new stream each time, as operations are; until() sleeps whenever nothing has come.
      if (me.rank() == 0) me.send(peer, i, 0, 8);
      me.receive(peer, i, 0, 8);
      if (me.rank() == 1) me.send(peer, i, 0, 8);
      if (me.rank() == 1 && i + 1 == 2000) me.flush();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Every, Blocks, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
