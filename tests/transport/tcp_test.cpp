#include "transport/tcp/tcp_transport.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <random>
#include <thread>
#include <unordered_map>

#include "fleet.hpp"
#include "transport/flow/ledger.hpp"
#include "transport/flow/window.hpp"
#include "transport/tcp/inbox.hpp"

namespace motet::test {
namespace {

const Flavour tcp_flavour{"tcp", tcp_transport.open};

TEST(TcpWindow, CountsLikeATable) {
  flow::Window window;
  std::unordered_map<std::uint32_t, std::uint32_t> model;
  std::mt19937 random(3);
  for (int i = 0; i < 200'000; ++i) {
    // Few values, so that entries collide, come and go.
    const auto stream = static_cast<std::uint32_t>(random() % 600) * 0x10001;
    std::uint32_t& under_way = model[stream];
    if (random() % 2 == 0) {
      const bool fits = under_way < flow::window_blocks;
      ASSERT_EQ(window.open(stream), fits);
      under_way += fits ? 1 : 0;
    } else {
      const auto blocks = static_cast<std::uint32_t>(random() % 3);
      ASSERT_EQ(window.close({stream, blocks}), blocks <= under_way);
      under_way -= blocks <= under_way ? blocks : 0;
    }
  }
  std::size_t streams = 0;
  for (const auto& [stream, under_way] : model) streams += under_way > 0 ? 1 : 0;
  EXPECT_EQ(window.streams(), streams);
}

// An inbox that reads what a test writes.
struct Reading {
  Reading() : pool(std::make_shared<flow::BufferPool>()), inbox(longest, pool, window) {
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) != 0) std::abort();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    for (const int socket : sockets) ::close(socket);
  }
  // Of a frame and its payload.
  void write(std::span<const std::byte> bytes) {
    ASSERT_EQ(::write(sockets[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(inbox.read(sockets[1]).end, "");
  }

  static constexpr std::size_t longest = 64 * 1024;
  std::array<int, 2> sockets{};
  flow::Window window;
  std::shared_ptr<flow::BufferPool> pool;
  tcp::Inbox inbox;
};

constexpr Header placed_header{
    .key = 7, .fingerprint = 3, .consumed = 0, .bytes = 40'000, .stream = 1};

std::vector<std::byte> frame_with_payload() {
  const flow::Frame frame = flow::frame_of(placed_header, {});
  std::vector<std::byte> bytes(sizeof frame + placed_header.bytes, std::byte{0xab});
  std::memcpy(bytes.data(), &frame, sizeof frame);
  return bytes;
}

TEST(TcpInbox, PutsAnExpectedBlockWhereItBelongs) {
  Reading reading;
  std::vector<std::byte> place(placed_header.bytes);
  reading.inbox.expect(placed_header, place.data());
  const auto bytes = frame_with_payload();
  for (const std::size_t part : {std::size_t{20}, std::size_t{1'000}, bytes.size() - 1'020}) {
    reading.write(std::span(bytes).subspan(part == 20 ? 0 : part == 1'000 ? 20 : 1'020, part));
  }
  ASSERT_NE(reading.inbox.front(), nullptr);
  EXPECT_EQ(reading.inbox.front()->arrival.data, place.data());
  EXPECT_EQ(place, std::vector(placed_header.bytes, std::byte{0xab}));
}

TEST(TcpInbox, PutsNothingWhereAnotherCallsBlockWasExpected) {
  for (const bool other_size : {false, true}) {
    Reading reading;
    std::vector<std::byte> place(placed_header.bytes);
    Header expected = placed_header;
    (other_size ? expected.bytes : expected.fingerprint) -= 1;
    reading.inbox.expect(expected, place.data());
    reading.write(frame_with_payload());
    while (reading.inbox.front() == nullptr)
      ASSERT_EQ(reading.inbox.read(reading.sockets[1]).end, "");
    EXPECT_NE(reading.inbox.front()->arrival.data, place.data());
    EXPECT_EQ(place, std::vector<std::byte>(placed_header.bytes));
  }
}

TEST(TcpInbox, WritesNothingMoreWhereItWasToldToForget) {
  Reading reading;
  std::vector<std::byte> place(placed_header.bytes);
  reading.inbox.expect(placed_header, place.data());
  const auto bytes = frame_with_payload();
  reading.write(std::span(bytes).first(20'000));
  reading.inbox.forget(placed_header.key, ~Key{0});
  std::ranges::fill(place, std::byte{});
  reading.write(std::span(bytes).subspan(20'000));
  while (reading.inbox.front() == nullptr)
    ASSERT_EQ(reading.inbox.read(reading.sockets[1]).end, "");
  EXPECT_NE(reading.inbox.front()->arrival.data, place.data());
  EXPECT_EQ(place, std::vector<std::byte>(placed_header.bytes));
}

struct Credits : flow::CreditSender {
  std::vector<std::vector<flow::Credit>> frames;
  void send_credits(std::span<const flow::Credit> credits) override {
    frames.emplace_back(credits.begin(), credits.end());
  }
};

TEST(TcpLedger, SendsCreditsOnlyWhenTheyMustNotWait) {
  Credits credits;
  flow::Ledger ledger(&credits);
  ledger.consumed(1);
  EXPECT_TRUE(credits.frames.empty());
  ledger.consumed(1);
  ASSERT_EQ(credits.frames.size(), 1U) << "half a window is owed";
  for (std::uint32_t stream = 0; stream + 1 < flow::max_credits; ++stream) ledger.consumed(stream);
  EXPECT_EQ(credits.frames.size(), 1U);
  ledger.consumed(1000);
  ASSERT_EQ(credits.frames.size(), 2U) << "too many streams are owed something";
  EXPECT_EQ(credits.frames.back().size(), flow::max_credits);
  EXPECT_EQ(ledger.take_one().blocks, 0U);
}

TEST(TcpLedger, LetsCreditsRideAlong) {
  Credits credits;
  flow::Ledger ledger(&credits);
  for (std::uint32_t stream = 0; stream < 1000; ++stream) {
    ledger.consumed(stream);
    EXPECT_EQ(ledger.take_one().stream, stream);
  }
  EXPECT_TRUE(credits.frames.empty());
}

// Where a transport listens on this host, from its address.
int port_of(const Transport& transport) {
  const std::string address = transport.address();
  return std::stoi(address.substr(address.rfind(':') + 1));
}

int stranger_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

TEST(Tcp, ConnectsWhileStrangersTalkGarbage) {
  Fleet fleet(tcp_flavour, 3);
  std::mt19937 random(1);
  std::vector<int> strangers;
  for (int i = 0; i < 30; ++i) {
    strangers.push_back(stranger_to(port_of(fleet[i % 3].transport())));
    std::vector<char> garbage(random() % 600);  // none: a port scanner
    for (char& c : garbage) c = static_cast<char>(random());
    static_cast<void>(::send(strangers.back(), garbage.data(), garbage.size(), MSG_NOSIGNAL));
  }
  fleet.connect();
  for (const int fd : strangers) ::close(fd);
  fleet.run([](Engine& me) {
    for (std::uint32_t i = 0; i < 50; ++i) {
      me.send((me.rank() + 1) % 3, 1, i, i);
      me.receive((me.rank() + 2) % 3, 1, i, i);
    }
  });
}

TEST(Tcp, SaysWhyItIsNotConnectedYet) {
  // The smaller identity dials: try until it is rank 0, whose peer has gone.
  for (int attempt = 0; attempt < 64; ++attempt) {
    Fleet fleet(tcp_flavour, 2);
    if (fleet[1].identity() < fleet[0].identity()) continue;
    fleet[0].connect(fleet[1], fleet.credentials());
    fleet.destroy(1);
    const auto refused = [&] {
      return fleet[0].to(1).failure().find("Connection refused") != std::string::npos;
    };
    fleet.until(refused, "the refusal to be named");
    EXPECT_EQ(fleet[0].to(1).state(), Endpoint::State::connecting);
    return;
  }
  FAIL() << "the identities are not random";
}

// The kernel still has what was flushed; credits that come back meanwhile must not make it drop
// that.
TEST(Tcp, DeliversWhatWasFlushedAlthoughTheSenderIsGone) {
  for (const bool with_transport : {false, true}) {
    Fleet fleet = connected_fleet(tcp_flavour, 2);
    const std::size_t longest = fleet[0].transport().max_block_bytes();
    std::vector<std::byte> block(longest);
    std::uint32_t sent = 0;
    // As much as fits without the peer reading; the last block may not have been flushed.
    while (fleet[0].to(1).flushed() && sent < 64) {
      const Header header = header_of(sent / 4, sent % 4, longest);
      fill(block.data(), longest, header.key);
      ASSERT_TRUE(fleet[0].to(1).send(header, block.data()));
      ++sent;
    }
    const std::uint32_t flushed = sent - 1;
    ASSERT_GT(flushed, 4U);
    std::thread reader([&] {
      for (std::uint32_t i = 0; i < flushed; ++i) fleet[1].receive(0, i / 4, i % 4, longest);
    });
    fleet[0].disconnect(1);
    if (with_transport) fleet.destroy(0);
    reader.join();
  }
}

TEST(Tcp, RefusesAnAddressItCannotParse) {
  Fleet fleet(tcp_flavour, 1);
  Transport::Peer peer = fleet[0].as_peer(fleet.credentials());
  peer.engine.bytes.fill(0xff);  // so that it is dialled
  peer.address = "tcp;ffffffffffffffffffffffffffffffff;nowhere:none";
  EXPECT_THROW(fleet[0].connect(1, peer), Error);
}

}  // namespace
}  // namespace motet::test
