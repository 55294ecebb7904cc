// Several connections that carry one conversation.
#include "bootstrap/health_lines.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace motet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t longest = 1000;
constexpr auto agreed = HealthLines::Standing::agreed;

struct Ends {
  Descriptor one, other;
};

Ends connected() {
  std::array<int, 2> fds{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()), 0);
  return {Descriptor(fds[0]), Descriptor(fds[1])};
}

class HealthLinesOfARank : public ::testing::Test {
 protected:
  void join(Ends ends, HealthLines::Standing standing = agreed) {
    EXPECT_TRUE(rank_.add(FramedSocket(std::move(ends.one), longest), standing));
    EXPECT_TRUE(hub_.add(FramedSocket(std::move(ends.other), longest), agreed));
  }
  // To the other end, which the test has.
  Descriptor join_rank_only(HealthLines::Standing standing = agreed) {
    Ends ends = connected();
    EXPECT_TRUE(rank_.add(FramedSocket(std::move(ends.one), longest), standing));
    return std::move(ends.other);
  }
  // More than the sockets take.
  void fill() {
    for (int i = 0; i < 2000; ++i) rank_.send(std::string(longest - 100, 'x'));
  }
  static std::vector<std::string> heard_by(HealthLines& lines) {
    std::vector<std::string> all;
    while (auto message = lines.receive()) all.push_back(std::move(*message));
    return all;
  }

  Poller poller_;
  HealthLines rank_{poller_, 1}, hub_{poller_, 2};
};

TEST_F(HealthLinesOfARank, BringEachMessageOnce) {
  join(connected());
  join(connected());
  rank_.send("a");
  rank_.send("b");
  EXPECT_THAT(heard_by(hub_), ElementsAre("a", "b"));
  rank_.send("c");
  hub_.send("d");
  EXPECT_THAT(heard_by(hub_), ElementsAre("c"));
  EXPECT_THAT(heard_by(rank_), ElementsAre("d"));
}

TEST_F(HealthLinesOfARank, ThatComeLaterBringWhatOthersHaveNot) {
  const Descriptor silent = join_rank_only();
  rank_.send("a");
  rank_.send("b");
  join(connected());
  rank_.send("c");
  EXPECT_THAT(heard_by(hub_), ElementsAre("a", "b", "c"));
}

TEST_F(HealthLinesOfARank, DoNotRepeatWhatIsAcknowledged) {
  join(connected());
  for (int i = 0; i < 100; ++i) rank_.send("message");
  EXPECT_EQ(heard_by(hub_).size(), 100U);
  EXPECT_THAT(heard_by(rank_), IsEmpty());
  HealthLines stranger(poller_, 3);
  EXPECT_TRUE(stranger.add(FramedSocket(join_rank_only(), longest), agreed));
  EXPECT_LT(heard_by(stranger).size(), 20U);
}

TEST_F(HealthLinesOfARank, EndWithAnOrderlyEndOfOne) {
  join(connected());
  const Descriptor other = join_rank_only();
  shutdown(other.get(), SHUT_WR);
  EXPECT_THAT(heard_by(rank_), IsEmpty());
  EXPECT_TRUE(rank_.lost());
  EXPECT_EQ(rank_.why(), "closed by the peer");
}

TEST_F(HealthLinesOfARank, DoNotEndWithOneThatTheOtherEndNeverUsed) {
  join(connected());
  const Descriptor other = join_rank_only(HealthLines::Standing::proposed);
  shutdown(other.get(), SHUT_WR);
  EXPECT_THAT(heard_by(rank_), IsEmpty());
  EXPECT_FALSE(rank_.lost());
}

TEST_F(HealthLinesOfARank, SayNothingOnOneThatCannotBeWatched) {
  join(connected());
  Ends ends = connected();
  poller_.add(ends.one.get(), EPOLLIN, 3);  // not twice
  EXPECT_FALSE(rank_.add(FramedSocket(std::move(ends.one), longest), agreed, "first words"));
  std::array<char, 1> byte{};
  EXPECT_EQ(read(ends.other.get(), byte.data(), byte.size()), 0);
  EXPECT_FALSE(rank_.lost());
}

TEST_F(HealthLinesOfARank, SayTheFirstWordsFirst) {
  Ends ends = connected();
  FramedSocket other(std::move(ends.other), longest);
  rank_.send("a");
  EXPECT_TRUE(rank_.add(FramedSocket(std::move(ends.one), longest), agreed, "first words"));
  EXPECT_EQ(other.receive(), "first words");
  EXPECT_TRUE(hub_.add(std::move(other), agreed));
  EXPECT_THAT(heard_by(hub_), ElementsAre("a"));
}

// The hub at the other end of `line`, and whether it hears `goodbye` after all that came before.
class Listening {
 public:
  Listening(Descriptor line, const std::string& goodbye)
      : thread_([this, line = FramedSocket(std::move(line), longest), goodbye]() mutable {
          const Deadline deadline = Deadline::after(std::chrono::seconds(20));
          while (!heard_ && !line.broken() && !deadline.passed()) {
            const auto frame = line.receive();
            if (frame) heard_ = frame->ends_with(goodbye);
            if (!frame) wait_for(line.descriptor(), POLLIN, deadline);
          }
        }) {}
  bool heard() {
    thread_.join();
    return heard_;
  }

 private:
  bool heard_ = false;
  std::thread thread_;
};

TEST_F(HealthLinesOfARank, WaitForWhatIsUnsentBehindOneThatIsStuck) {
  const Descriptor stuck = join_rank_only();
  Descriptor slow = join_rank_only();
  fill();
  rank_.send("goodbye");
  Listening hub(std::move(slow), "goodbye");
  // It ends, with the test's patience, when the stuck one does not take it.
  rank_.wait_until_sent(Deadline::after(std::chrono::seconds(1)));
  rank_.close();
  EXPECT_TRUE(hub.heard());
}

TEST_F(HealthLinesOfARank, WaitForWhatIsUnsentBesideOneThatIsBroken) {
  Descriptor broken = join_rank_only();
  Descriptor slow = join_rank_only();
  fill();
  broken.reset();
  rank_.flush();
  rank_.send("goodbye");
  Listening hub(std::move(slow), "goodbye");
  rank_.wait_until_sent(Deadline::after(std::chrono::seconds(20)));
  rank_.close();
  EXPECT_TRUE(hub.heard());
}

TEST_F(HealthLinesOfARank, DoNotWaitForOneThatIsBroken) {
  Descriptor only = join_rank_only();
  fill();
  only.reset();
  const Deadline deadline = Deadline::after(std::chrono::minutes(1));
  rank_.wait_until_sent(deadline);
  EXPECT_FALSE(deadline.passed());
}

TEST_F(HealthLinesOfARank, EndWhenTheLastBreaks) {
  Descriptor last = join_rank_only();
  {
    const Descriptor unread = join_rank_only();
    rank_.send("which is never read");
  }
  EXPECT_THAT(heard_by(rank_), IsEmpty());
  EXPECT_FALSE(rank_.lost()) << rank_.why();
  last.reset();
  EXPECT_THAT(heard_by(rank_), IsEmpty());
  EXPECT_TRUE(rank_.lost());
  EXPECT_THAT(rank_.why(), HasSubstr("reset"));
}

}  // namespace
}  // namespace motet
