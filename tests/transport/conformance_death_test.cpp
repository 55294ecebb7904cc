// A peer that is gone is noticed, and what it had sent is still delivered.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>

#include "conformance.hpp"
#include "peer_process.hpp"

namespace motet::test {
namespace {

class Death : public Conformance {};

TEST_P(Death, IsNoticedWhenATransportIsDestroyed) {
  Fleet fleet = connected(2);
  fleet[1].disconnect(0);
  fleet.destroy(1);
  Endpoint& endpoint = fleet[0].to(1);
  fleet.until([&] { return endpoint.state() == Endpoint::State::failed; }, "the death to be seen");
  EXPECT_NE(endpoint.failure(), "");
  EXPECT_TRUE(endpoint.send(header_of(1, 0, 0), nullptr)) << "what is sent to the dead is dropped";
}

TEST_P(Death, LeavesWhatWasSentBefore) {
  Fleet fleet = connected(2);
  const std::size_t longest = fleet[1].transport().max_block_bytes();
  // Different streams, so that there is room for all.
  const std::array<std::size_t, 4> sizes{0, 40, 5000, longest};
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    const Header header = header_of(i, 0, sizes[i]);
    std::vector<std::byte> block(sizes[i]);
    fill(block.data(), sizes[i], header.key);
    fleet.until([&] { return fleet[1].to(0).send(header, block.data()); }, "room for a block");
  }
  fleet.until([&] { return fleet[1].to(0).flushed(); }, "everything to be flushed");
  fleet[1].disconnect(0);
  fleet.destroy(1);
  for (std::size_t left = sizes.size(); left > 0; --left) {
    fleet.until([&] { return fleet[0].to(1).front() != nullptr; }, "a block of the dead");
    const std::uint32_t stream = fleet[0].to(1).front()->header.stream;
    ASSERT_LT(stream, sizes.size());
    expect_block(*fleet[0].to(1).front(), stream, 0, sizes[stream]);
    fleet[0].to(1).pop();
  }
  Endpoint& endpoint = fleet[0].to(1);
  fleet.until([&] { return endpoint.state() == Endpoint::State::failed; }, "the death to be seen");
}

TEST_P(Death, InTheMiddleOfALargeExchangeIsNoticed) {
  Fleet fleet = connected(2);
  fleet.run([](Engine& me) {
    const std::size_t longest = me.transport().max_block_bytes();
    // Rank 1 goes with blocks under way in both directions; rank 0 sends and reads until it does.
    constexpr std::uint32_t last_words = 20;
    const int other = 1 - me.rank();
    Endpoint& peer = me.to(other);
    std::vector<std::byte> block(longest);
    std::uint32_t sent = 0;
    const auto step = [&] {
      while (peer.state() == Endpoint::State::ready) {
        while (peer.front() != nullptr) peer.pop();
        if (!peer.send(header_of(1, sent, longest), block.data())) return false;
        if (++sent == last_words && me.rank() == 1) return true;
      }
      return true;
    };
    me.until(step, "the exchange or the death of its peer");
    if (me.rank() == 1) me.disconnect(other);
  });
  EXPECT_EQ(fleet[0].to(1).state(), Endpoint::State::failed);
}

// Its library may still have something to send, or to answer to a peer that reads.
TEST_P(Death, DoesNotComeToARankThatLeavesAPeerWhoTakesNothing) {
  Fleet fleet = connected(2);
  Engine& leaving = fleet[1];
  const std::size_t longest = leaving.transport().max_block_bytes();
  const std::vector<std::byte> block(longest);
  // Each in turn: what the peer asks for is answered when he takes nothing any more.
  const auto look_often = [](Engine& engine) {
    for (int i = 0; i < 200; ++i) engine.transport().progress();
  };
  std::uint32_t sent = 0;
  while (sent < 64 && leaving.to(0).send(header_of(sent, 0, longest), block.data())) ++sent;
  ASSERT_GT(sent, 0U);
  look_often(leaving);
  look_often(fleet[0]);
  look_often(leaving);
  leaving.disconnect(0);
  fleet.destroy(1);
  fleet[0].disconnect(1);
}

// A rank in a process of its own that sends until it is killed.
class PeerProcess {
 public:
  PeerProcess(const Flavour& flavour, const Engine& me, const Secret& secret) {
    std::array<int, 2> input{}, output{};
    if (::pipe(input.data()) != 0 || ::pipe(output.data()) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    for (const int fd : {input[0], input[1], output[0], output[1]}) {
      posix_spawn_file_actions_addclose(&actions, fd);
    }
    std::string program = MOTET_TRANSPORT_PEER;
    std::array<char*, 2> arguments{program.data(), nullptr};
    if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
      throw std::runtime_error("cannot start " + program);
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(input[0]);
    ::close(output[1]);
    const Transport::Peer mine = me.as_peer(Credentials::from_secret(secret));
    std::ostringstream words;
    words << flavour.name << ' ' << hex(secret) << ' ' << hex(mine.engine.bytes) << ' '
          << hex(mine.address) << '\n';
    const std::string line = words.str();
    EXPECT_EQ(::write(input[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    ::close(input[1]);
    read_answer(output[0]);
    ::close(output[0]);
  }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;
  ~PeerProcess() { kill(); }

  const Transport::Peer& as_peer() const { return peer_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  void read_answer(int fd) {
    std::string answer;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; answer.find('\n') == std::string::npos; answer.append(part.data(), got)) {
      got = ::read(fd, part.data(), part.size());
      if (got <= 0) throw std::runtime_error("the peer process has ended");
    }
    std::istringstream words(answer);
    std::string identity;
    std::string address;
    words >> identity >> address;
    peer_.engine.bytes = unhex<decltype(peer_.engine.bytes)>(identity);
    peer_.address = unhex<std::string>(address);
    peer_.name = "the process to be killed";
  }

  pid_t pid_ = -1;
  Transport::Peer peer_;
};

TEST_P(Death, OfAKilledProcessIsNoticed) {
  const Secret secret = random_secret();
  const Credentials credentials = Credentials::from_secret(secret);
  Engine me(GetParam(), 0, {});
  me.transport().admit(credentials);
  PeerProcess process(GetParam(), me, secret);
  Transport::Peer peer = process.as_peer();
  peer.credentials = credentials;
  me.connect(1, peer);
  for (std::uint32_t i = 0; i < 20; ++i) me.receive(1, 1, i, peer_block_bytes(i));
  process.kill();
  const auto gone = [&] {
    while (me.to(1).front() != nullptr) me.to(1).pop();
    return me.to(1).state() == Endpoint::State::failed;
  };
  me.until(gone, "the death of the killed process to be seen");
  EXPECT_NE(me.to(1).failure(), "");
}

INSTANTIATE_TEST_SUITE_P(Every, Death, ::testing::ValuesIn(all_flavours()), flavour_name);

}  // namespace
}  // namespace motet::test
