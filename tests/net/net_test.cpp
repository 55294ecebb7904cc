// Descriptors, addresses and credentials.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "net/address.hpp"
#include "net/credentials.hpp"
#include "net/descriptor.hpp"
#include "net/framed_socket.hpp"
#include "net/listening_socket.hpp"
#include "net/poller.hpp"
#include "net_testing.hpp"

namespace motet {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::Not;

bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

TEST(Descriptor, ClosesItsDescriptorOnce) {
  int fd = -1;
  {
    Descriptor first(open("/dev/null", O_RDONLY | O_CLOEXEC));
    fd = first.get();
    Descriptor second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_TRUE(is_open(fd));
    second = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(is_open(fd));
    fd = second.get();
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, IsClosedInAForkedChild) {
  Descriptor ours(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int theirs = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_FALSE(is_forked_child());
  const pid_t child = fork();
  if (child == 0) {
    int wrong = 0;
    if (is_open(ours.get())) wrong |= 1;
    if (!is_open(theirs)) wrong |= 2;
    if (!is_forked_child()) wrong |= 4;
    // The number may belong to somebody else by now: the owner must not close it again.
    const int number = ours.get();
    dup2(theirs, number);
    ours.reset();
    if (!is_open(number)) wrong |= 8;
    _exit(wrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(is_open(ours.get()));
  EXPECT_FALSE(is_forked_child());
  close(theirs);
}

TEST(Address, ListsLoopbackLastWithItsPort) {
  const std::vector<Address> addresses = local_addresses(4711);
  EXPECT_THAT(addresses, Contains("127.0.0.1:4711"));
  for (const Address& address : addresses) EXPECT_THAT(address, EndsWith(":4711"));
  EXPECT_TRUE(addresses.back() == "127.0.0.1:4711" || addresses.back() == "[::1]:4711");
}

TEST(Address, ParsesEveryAddressItLists) {
  for (const Address& address : local_addresses(80)) {
    EXPECT_EQ(port_of(parse_address(address)), 80) << address;
  }
}

TEST(ListeningSocket, SaysThatNoInterfaceIsUp) {
  constexpr int refused = 0, not_allowed = 77;
  const pid_t child = fork();
  if (child == 0) {
    // A new network has a loopback interface, and that is down.
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0)
      _exit(not_allowed);
    try {
      listen_on_tcp({});
    } catch (const Error& error) {
      const bool clear = std::string_view(error.what()).find("no network interface is up") !=
                         std::string_view::npos;
      _exit(clear && error.code() == ErrorCode::unavailable ? refused : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == not_allowed) GTEST_SKIP() << "this user may make no network";
  EXPECT_EQ(WEXITSTATUS(status), refused);
}

TEST(Address, HasAHostPart) {
  EXPECT_EQ(host_part("10.0.0.7:4711"), "10.0.0.7");
  EXPECT_EQ(host_part("[fe80::1%eth0]:4711"), "fe80::1%eth0");
  for (const char* none : {"", ":", ":1", "[]:1", "["}) EXPECT_EQ(host_part(none), "") << none;
}

TEST(Address, ResolvesNames) {
  EXPECT_THAT(resolve("127.0.0.1", 80), ::testing::ElementsAre("127.0.0.1:80"));
  EXPECT_FALSE(resolve("localhost", 80).empty());
}

TEST(Address, TellsMachinesApartByTheirBoot) {
  EXPECT_EQ(machine_identity(), machine_identity());
  EXPECT_THAT(machine_identity(), Not(::testing::HasSubstr("?")));
}

TEST(Credentials, FollowFromTheSecretAlone) {
  const Secret secret = random_secret();
  const Credentials a = Credentials::from_secret(secret);
  const Credentials b = Credentials::from_secret(secret);
  EXPECT_EQ(a.job, b.job);
  EXPECT_EQ(a.key, b.key);
  EXPECT_NE(a.job, Credentials::from_secret(random_secret()).job);
  EXPECT_NE(a.key, secret);
  EXPECT_EQ(a.job.to_text().size(), 32U);
}

TEST(Poller, WakesForABellAndATimer) {
  Poller poller;
  Bell bell;
  Timer timer;
  poller.add(bell.descriptor(), EPOLLIN, 1);
  poller.add(timer.descriptor(), EPOLLIN, 2);
  EXPECT_TRUE(poller.wait(std::chrono::milliseconds(0)).empty());
  bell.ring();
  ASSERT_EQ(poller.wait(std::chrono::seconds(20)).size(), 1U);
  bell.silence();
  timer.set(Clock::now() - std::chrono::seconds(1));
  const auto events = poller.wait(std::chrono::seconds(20));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].tag, 2U);
  timer.set(Clock::time_point::max());
  EXPECT_TRUE(poller.wait(std::chrono::milliseconds(0)).empty());
}

// What a peer says last is often why it goes.
TEST(FramedSocket, ReadsWhatWasSaidBeforeThePeerStoppedListening) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  FramedSocket mine(Descriptor(ends[0]), 1000);
  {
    FramedSocket theirs(Descriptor(ends[1]), 1000);
    theirs.send("first");
    theirs.send("last words");
  }
  mine.send("too late");
  EXPECT_FALSE(mine.broken());
  EXPECT_FALSE(mine.has_unsent());
  EXPECT_EQ(mine.receive(), "first");
  EXPECT_EQ(mine.receive(), "last words");
  EXPECT_EQ(mine.receive(), std::nullopt);
  EXPECT_TRUE(mine.broken());
}

}  // namespace
}  // namespace motet
