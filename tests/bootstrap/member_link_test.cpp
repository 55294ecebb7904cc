// A rank's end of its health connections, without a hub.
#include "bootstrap/member_link.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "mortal.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::uint32_t communicator = 1;

TEST(LineDialler, PassesOverARailWithoutAddresses) {
  Poller poller;
  LineDialler dialler({{{}, {"127.0.0.1:1"}}, {}, {}, Credentials::from_secret({})}, poller, 1);
  EXPECT_FALSE(dialler.advance({"elsewhere"}, Clock::now()));
  EXPECT_TRUE(wait_for(poller.descriptor(), POLLIN, Deadline::after(20s)));
}

class LinkToAHub : public ::testing::Test {
 protected:
  // The hub's end, which the test has.
  Descriptor add_line() {
    std::array<int, 2> fds{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()), 0);
    EXPECT_TRUE(lines_.add(FramedSocket(Descriptor(fds[0]), longest_health_frame),
                           HealthLines::Standing::agreed));
    return Descriptor(fds[1]);
  }
  static ProcessIdentity elsewhere() {
    ProcessIdentity hub;
    hub.machine = "another";
    return hub;
  }
  void start(std::vector<std::vector<Address>> rails = {},
             const ProcessIdentity& hub = elsewhere()) {
    const LineDialler::Ways ways{std::move(rails), {}, {}, Credentials::from_secret({})};
    link_.emplace(1, MemberLink::Lines{std::move(poller_), std::move(lines_), ways}, hub);
    link_->watch(communicator, {0, 1}, std::make_shared<CallLog>(),
                 [this](const Verdict& verdict) { verdict_ = verdict.text; });
    advance();
  }
  bool is_ready(std::chrono::milliseconds within = 0ms) {
    return wait_for(link_->descriptor(), POLLIN, Deadline::after(within));
  }
  void advance() {
    for (int i = 0; i < 10 && is_ready(); ++i) link_->advance();
  }

  std::unique_ptr<Poller> poller_ = std::make_unique<Poller>();
  HealthLines lines_{*poller_, MemberLink::line_tag};
  std::optional<MemberLink> link_;
  std::string verdict_;
};

TEST_F(LinkToAHub, SleepsWhenAllLinesHaveEndedOneAfterTheOther) {
  const Descriptor first = add_line(), second = add_line();
  start();
  shutdown(first.get(), SHUT_WR);
  advance();
  EXPECT_THAT(verdict_, HasSubstr("is gone"));
  shutdown(second.get(), SHUT_WR);
  advance();
  EXPECT_FALSE(is_ready());
}

TEST_F(LinkToAHub, DialsNoMoreWhenTheHubHasEnded) {
  Descriptor only = add_line();
  // Whether somebody listens there or not: the dialler has something to do.
  start({{"127.0.0.1:1"}, {"127.0.0.2:1"}});
  only.reset();
  advance();
  EXPECT_THAT(verdict_, HasSubstr("is gone"));
  EXPECT_FALSE(is_ready(300ms));
}

TEST_F(LinkToAHub, TakesAGoodbyeForNoDeathAlthoughTheHubsEndIsSeenFirst) {
  Mortal process;
  Poller poller;
  HealthLines hub(poller, 1);
  hub.add(FramedSocket(add_line(), longest_health_frame), HealthLines::Standing::agreed);
  start({}, process.identity());
  process.kill();
  link_->advance();
  hub.send(encode(HealthMessage{.call = HealthCall::first_goodbye}));
  hub.close();
  advance();
  EXPECT_EQ(verdict_, "");
}

TEST_F(LinkToAHub, TellsOfTheHubsDeathAtOnceWhenItsConnectionEndsToo) {
  Mortal process;
  Descriptor line = add_line();
  start({}, process.identity());
  process.kill();
  line.reset();
  advance();
  EXPECT_THAT(verdict_, HasSubstr("is gone (killed by signal 9)"));
}

}  // namespace
}  // namespace motet
