// What is UCX's own; the conformance suite has the rest.
#include "transport/ucx/ucx_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/deadline.hpp"
#include "fleet.hpp"
#include "peer_process.hpp"

namespace motet::test {
namespace {

using ::testing::StartsWith;
using ::testing::ThrowsMessage;

const Flavour ucx_flavour{"ucx", ucx_transport.open};

class Ucx : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = ucx_transport.unavailable_because();
    if (!why.empty()) GTEST_SKIP() << why;
  }
};

// Under CTest each test has a process of its own, in which nothing has loaded UCX before.
TEST(UcxLoading, LeavesTheSignalsToTheProgram) {
  struct sigaction before {};
  struct sigaction after {};
  ::sigaction(SIGSEGV, nullptr, &before);
  if (!ucx_transport.unavailable_because().empty()) GTEST_SKIP();
  const Engine engine(ucx_flavour, 0, {});
  ::sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(before.sa_sigaction, after.sa_sigaction);
}

TEST_F(Ucx, ReachesNoAddressThatItCannotRead) {
  Fleet fleet(ucx_flavour, 1);
  const Transport& transport = fleet[0].transport();
  const std::string mine = transport.address();
  EXPECT_TRUE(transport.reaches(mine));
  EXPECT_FALSE(transport.reaches("ucx;"));
  EXPECT_FALSE(transport.reaches(mine.substr(0, mine.size() - 1)));
  EXPECT_FALSE(transport.reaches(mine + "0g"));
  EXPECT_FALSE(transport.reaches("tcp" + mine.substr(3)));
}

TEST_F(Ucx, RefusesAnAddressItCannotRead) {
  Fleet fleet(ucx_flavour, 1);
  Transport::Peer peer = fleet[0].as_peer(fleet.credentials());
  peer.address = "ucx;nowhere";
  EXPECT_THROW(fleet[0].connect(1, peer), Error);
}

// Whoever tells of it puts the transport's name before.
TEST_F(Ucx, SaysWhyItCannotBeOpened) {
  ::setenv("UCX_TLS", "nonsense", 1);
  EXPECT_THAT([] { ucx_transport.open({}); }, ThrowsMessage<Error>(StartsWith("ucp_")));
  ::unsetenv("UCX_TLS");
}

TEST_F(Ucx, FailsWhereNoneOfItsProtocolsReaches) {
  ::setenv("UCX_TLS", "self", 1);
  Fleet fleet(ucx_flavour, 2);
  ::unsetenv("UCX_TLS");
  fleet[0].connect(fleet[1], fleet.credentials());
  fleet.until([&] { return fleet[0].to(1).state() == Endpoint::State::failed; }, "the refusal");
  EXPECT_THAT(fleet[0].to(1).failure(), StartsWith("ucx: "));
}

// Who only sleeps sends nothing, and verbs tell of dead peers only those who send.
TEST_F(Ucx, WakesSleepersToShowLife) {
  Fleet fleet(ucx_flavour, 1);
  Transport& transport = fleet[0].transport();
  transport.announce_sleep();
  std::vector<pollfd> watched;
  for (const int descriptor : transport.descriptors()) watched.push_back({descriptor, POLLIN, 0});
  const int most = static_cast<int>(std::chrono::milliseconds(patience).count());
  EXPECT_GT(::poll(watched.data(), watched.size(), most), 0);
  transport.announce_wake();
  EXPECT_EQ(::poll(watched.data(), watched.size(), 0), 0) << "once a second, not all the time";
}

TEST_F(Ucx, FetchesBlocksThatAreTooLongToBeSentAtOnce) {
  constexpr std::size_t bytes = 4 << 20;
  TransportOptions options;
  options.block_bytes = bytes;
  Fleet fleet = connected_fleet(ucx_flavour, 2, options);
  fleet.run([](Engine& me) {
    for (std::uint32_t i = 0; i < 12; ++i) {
      if (me.rank() == 0) me.send(1, 1, i, bytes - i);
      if (me.rank() == 1) me.receive(0, 1, i, bytes - i);
    }
  });
}

TEST_F(Ucx, LendsBlocksThatOutliveTheTransport) {
  Fleet fleet = connected_fleet(ucx_flavour, 2);
  std::vector<std::unique_ptr<Aside>> kept;
  // Sent at once, in one piece or several, and fetched.
  const std::array<std::size_t, 4> sizes{16, 4000, 30'000, 128 * 1024};
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    fleet[0].send(1, i, 0, sizes[i]);
    fleet.until([&] { return fleet[1].to(0).front() != nullptr; }, "the block");
    kept.push_back(fleet[1].to(0).set_aside());
  }
  fleet[1].disconnect(0);
  fleet.destroy(1);
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    expect_block(kept[i]->arrival(), i, 0, sizes[i]);
  }
}

TEST_F(Ucx, EndsWithAPeerWhoseBlocksAreTooLong) {
  for (const std::size_t bytes : {std::size_t{8192}, std::size_t{1} << 20}) {
    TransportOptions longer, shorter;
    longer.block_bytes = 1 << 20;
    shorter.block_bytes = 4096;
    const Credentials job = Credentials::from_secret(random_secret());
    Engine one(ucx_flavour, 0, longer), other(ucx_flavour, 1, shorter);
    for (Engine* engine : {&one, &other}) engine->transport().admit(job);
    one.connect(other, job);
    other.connect(one, job);
    const auto both = [&](auto done) {
      const Deadline deadline = Deadline::after(patience);
      while (!done() && !deadline.passed()) {
        one.transport().progress();
        other.transport().progress();
      }
    };
    both([&] { return one.all_ready() && other.all_ready(); });
    const std::vector<std::byte> block(bytes);
    ASSERT_TRUE(one.to(1).send(header_of(1, 0, bytes), block.data()));
    both([&] { return other.to(0).state() == Endpoint::State::failed; });
    EXPECT_THAT(other.to(0).failure(), StartsWith("ucx: the peer sent 0 bytes and said "));
  }
}

// Connects to its parent and makes calls until it is killed.
[[noreturn]] void be_the_peer(int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::array<char, 8192> text{};
  const ssize_t bytes = ::read(input, text.data(), text.size());
  const std::string said(text.data(), static_cast<std::size_t>(bytes));
  Transport::Peer parent;
  parent.credentials = Credentials::from_secret(unhex<Secret>(said.substr(0, 64)));
  parent.engine.bytes = unhex<decltype(parent.engine.bytes)>(said.substr(64, 32));
  parent.address = said.substr(96);
  Engine me(ucx_flavour, 1, {});
  me.transport().admit(parent.credentials);
  const Transport::Peer mine = me.as_peer(parent.credentials);
  const std::string answer = hex(mine.engine.bytes) + mine.address;
  if (::write(output, answer.data(), answer.size()) < 0) std::abort();
  me.connect(0, parent);
  while (true) me.until([&] { return false; }, "to be killed");
}

// The survivor says nothing and sleeps meanwhile.
TEST_F(Ucx, NamesItselfWhenAPeerIsKilled) {
  std::array<int, 2> to_child{}, from_child{};
  ASSERT_EQ(::pipe(to_child.data()) | ::pipe(from_child.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) be_the_peer(to_child[0], from_child[1]);
  const Secret secret = random_secret();
  const Credentials job = Credentials::from_secret(secret);
  Engine me(ucx_flavour, 0, {});
  me.transport().admit(job);
  const std::string mine = hex(secret) + hex(me.identity().bytes) + me.transport().address();
  ASSERT_GT(::write(to_child[1], mine.data(), mine.size()), 0);
  std::array<char, 8192> answer{};
  const ssize_t bytes = ::read(from_child[0], answer.data(), answer.size());
  ASSERT_GT(bytes, 32);
  Transport::Peer peer;
  peer.credentials = job;
  const std::string said(answer.data(), static_cast<std::size_t>(bytes));
  peer.engine.bytes = unhex<decltype(peer.engine.bytes)>(said.substr(0, 32));
  peer.address = said.substr(32);
  me.connect(1, peer);
  me.until([&] { return me.all_ready(); }, "the child");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  me.until([&] { return me.to(1).state() == Endpoint::State::failed; }, "the death to be seen");
  EXPECT_THAT(me.to(1).failure(), StartsWith("ucx: "));
}

}  // namespace
}  // namespace motet::test
