// Health among real processes: who dies, who is stopped, who leaves, who calls something else.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "bootstrap/health.hpp"
#include "rank_processes.hpp"

namespace motet {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* everybody = "watch 1 0 1 2 3";

class HealthOfProcesses : public ::testing::Test {
 protected:
  void start(int count) {
    const std::string secret = to_hex(random_secret());
    for (int rank = 0; rank < count; ++rank) {
      ranks_.emplace_back(MOTET_HEALTH_RANK,
                          std::vector<std::string>{std::to_string(rank), std::to_string(count),
                                                   directory_.name(), secret});
    }
  }
  void start_and_join(int count) {
    start(count);
    EXPECT_THAT(ask_all("join 30000"), Each("joined"));
  }
  std::vector<std::string> ask_all(const std::string& command, int except = -1) {
    std::vector<std::string> answers;
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
      if (rank != except) ranks_[rank].tell(command);
    }
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
      if (rank != except) answers.push_back(ranks_[rank].hear());
    }
    return answers;
  }

  testing::TemporaryDirectory directory_;
  std::vector<testing::RankProcess> ranks_;
};

TEST_F(HealthOfProcesses, TellsAllSurvivorsOfADeath) {
  start_and_join(4);
  ask_all(everybody);
  const int pid = ranks_[2].pid();
  const auto before = Clock::now();
  ranks_[2].signal(SIGKILL);
  const auto verdicts = ask_all("verdict 1 20000", 2);
  const auto took = Clock::now() - before;
  EXPECT_THAT(verdicts, Each(AllOf(HasSubstr("rank 2 on host"),
                                   HasSubstr("(pid " + std::to_string(pid) + ") is gone"))));
  EXPECT_THAT(verdicts, Each(verdicts.front()));
  std::printf("from kill to verdict: %.1f ms: %s\n",
              std::chrono::duration<double, std::milli>(took).count(), verdicts.front().c_str());
  EXPECT_LT(took, std::chrono::seconds(10));
  // The killed process is a zombie until its parent, this test, has waited: its status can be read.
  EXPECT_THAT(verdicts, Each(HasSubstr("(killed by signal 9)")));
}

TEST_F(HealthOfProcesses, SaysWithWhichStatusARankExited) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  ranks_[1].tell("exit 3");
  EXPECT_THAT(ask_all("verdict 1 20000", 1), Each(HasSubstr("is gone (exited with status 3)")));
}

TEST_F(HealthOfProcesses, TakesAGoodbyeForNoDeath) {
  start_and_join(2);
  ask_all("watch 1 0 1");
  ranks_[1].close_input();  // returns from main, destroying its Health
  EXPECT_EQ(ranks_[0].ask("verdict 1 300"), "none");
  EXPECT_EQ(ranks_[0].ask("wait 1 5"), "waiting");
  EXPECT_EQ(ranks_[0].ask("verdict 1 20000"), "rank 1 has left the communicator without a call");
}

TEST_F(HealthOfProcesses, TellsAllThatTheHubsProcessHasDied) {
  start_and_join(4);
  ask_all(everybody);
  ranks_[0].signal(SIGKILL);
  const auto verdicts = ask_all("verdict 1 20000", 0);
  EXPECT_THAT(verdicts,
              Each(AllOf(HasSubstr("rank 0 on host"), HasSubstr("is gone (killed by signal 9)"))));
}

TEST_F(HealthOfProcesses, IsNotDeceivedByAChildThatOutlivesItsParent) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  const auto child = static_cast<pid_t>(std::stol(ranks_[1].ask("fork")));
  const auto hubs_child = static_cast<pid_t>(std::stol(ranks_[0].ask("fork")));
  ranks_[1].signal(SIGKILL);
  EXPECT_THAT(ask_all("verdict 1 20000", 1), Each(HasSubstr("rank 1 on host")));
  EXPECT_EQ(kill(child, 0), 0) << "the child must be alive, or this tests nothing";

  ranks_[2].ask("watch 2 0 2");
  ranks_[0].signal(SIGKILL);
  EXPECT_THAT(ranks_[2].ask("verdict 2 20000"), HasSubstr("rank 0 on host"));
  kill(child, SIGKILL);
  kill(hubs_child, SIGKILL);
}

TEST_F(HealthOfProcesses, GivesNoVerdictOnAStoppedRankButSaysThatItIsSilent) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  ranks_[2].signal(SIGSTOP);
  for (const int rank : {0, 1}) {
    ranks_[rank].ask("call 1 1 allreduce 1024 0");
    ranks_[rank].ask("wait 1 1");
  }
  EXPECT_EQ(ranks_[0].ask("where 1 1 6000"), "2 of 3 ranks have called #1; rank 2 does not answer");
  EXPECT_THAT(ask_all("verdict 1 300", 2), Each("none"));
  ranks_[2].signal(SIGCONT);
  EXPECT_EQ(ranks_[0].ask("where 1 1 20000"),
            "2 of 3 ranks have called #1; rank 2 has made no call yet");
  ranks_[2].ask("call 1 1 allreduce 1024 0");
  EXPECT_EQ(ranks_[0].ask("where 1 1 20000"), "3 of 3 ranks have called #1");
  EXPECT_THAT(ask_all("verdict 1 50"), Each("none"));
}

TEST_F(HealthOfProcesses, QuotesCallsThatDiffer) {
  start_and_join(4);
  ask_all(everybody);
  for (const int rank : {0, 2, 3}) ranks_[rank].ask("call 1 17 allreduce 262144 0");
  ranks_[1].ask("call 1 17 broadcast 262144 0");
  ranks_[3].ask("wait 1 17");
  // With which of the others rank 1 is compared depends on whose call came first.
  const auto verdicts = ask_all("verdict 1 20000");
  EXPECT_THAT(verdicts, Each(AllOf(StartsWith("ranks call different collectives: rank "),
                                   HasSubstr(": allreduce #17 (1 MiB float32 sum)"),
                                   HasSubstr("rank 1: broadcast #17 (1 MiB float32 root 0)"))));
  EXPECT_THAT(verdicts, Each(verdicts.front()));
}

TEST_F(HealthOfProcesses, ComparesOnceTheLateRankWaitsToo) {
  start_and_join(2);
  ranks_[1].ask("watch 1 0 1");  // before rank 0, the communicator's first member, has come
  ranks_[1].ask("call 1 1 broadcast 5 1");
  ranks_[1].ask("wait 1 1");
  EXPECT_EQ(ranks_[1].ask("verdict 1 200"), "none");
  EXPECT_EQ(ranks_[1].ask("where 1 1 20000"), "its first member has not created it yet");
  ranks_[0].ask("watch 1 0 1");
  EXPECT_EQ(ranks_[1].ask("verdict 1 200"), "none");
  ranks_[0].ask("call 1 1 broadcast 5 0");
  ranks_[0].ask("wait 1 1");
  EXPECT_THAT(ask_all("verdict 1 20000"), Each(AllOf(HasSubstr("root 0"), HasSubstr("root 1"))));
}

TEST_F(HealthOfProcesses, TellsThoseWhoWaitForARankThatHasLeft) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  ask_all("call 1 16 allreduce 4 0");
  for (const int rank : {0, 1}) ranks_[rank].ask("call 1 17 allreduce 4 0");
  ranks_[0].ask("wait 1 17");  // before it leaves
  ranks_[2].ask("unwatch 1");
  EXPECT_THAT(ask_all("verdict 1 20000", 2),
              Each("rank 2 has left the communicator after allreduce #16 (16 B float32 sum)"));
  EXPECT_EQ(ranks_[2].ask("verdict 1 100"), "none");
}

TEST_F(HealthOfProcesses, IsSilentWhenRanksLeaveAfterTheLastCall) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  ask_all("call 1 1 barrier 0 0");
  ranks_[0].ask("wait 1 1");
  ranks_[0].ask("unwatch 1");
  ranks_[0].ask("leave");
  ranks_[0].close_input();
  EXPECT_EQ(ranks_[0].wait(), 0);  // the hub ends here, in order
  EXPECT_EQ(ranks_[1].ask("wait 1 1"), "waiting");
  EXPECT_THAT(ranks_[1].ask("verdict 1 300"), "none");
  ranks_[1].ask("wait 1 2");
  EXPECT_EQ(ranks_[1].ask("verdict 1 20000"), "rank 0 has left the communicator after barrier #1");
}

TEST_F(HealthOfProcesses, FloodsAFailureToTheOthersOnly) {
  start_and_join(3);
  ask_all("watch 1 0 1 2");
  ask_all("watch 2 0 1 2");
  ranks_[1].ask("fail 1");
  EXPECT_THAT(ask_all("verdict 1 20000", 1), Each("it was aborted"));
  EXPECT_THAT(ask_all("verdict 2 100"), Each("none"));
  EXPECT_EQ(ranks_[1].ask("verdict 1 0"), "none");
}

TEST_F(HealthOfProcesses, KeepsVerdictsForCommunicatorsNotWatchedYet) {
  start_and_join(3);
  ranks_[1].ask("watch 5 0 1 2");
  ranks_[1].ask("fail 5");
  ranks_[0].ask("watch 5 0 1 2");
  EXPECT_EQ(ranks_[0].ask("verdict 5 20000"), "it was aborted");
  ranks_[2].signal(SIGKILL);
  EXPECT_THAT(ranks_[0].ask("watch 6 0 2"), "watching");
  EXPECT_THAT(ranks_[0].ask("verdict 6 20000"), HasSubstr("rank 2 on host"));
  ranks_[0].ask("watch 7 0 2");  // dead before it was watched
  EXPECT_THAT(ranks_[0].ask("verdict 7 20000"), HasSubstr("rank 2 on host"));
  ranks_[0].ask("watch 8 0 1");
  EXPECT_EQ(ranks_[0].ask("verdict 8 200"), "none");
}

TEST_F(HealthOfProcesses, WatchesManyCommunicators) {
  start_and_join(3);
  for (int i = 1; i <= 200; ++i) ask_all("watch " + std::to_string(i) + " 0 1 2");
  for (int i = 1; i <= 100; ++i) ask_all("unwatch " + std::to_string(i));
  ranks_[1].signal(SIGKILL);
  for (const int i : {101, 150, 200}) {
    EXPECT_THAT(ask_all("verdict " + std::to_string(i) + " 20000", 1),
                Each(HasSubstr("rank 1 on host")));
  }
  EXPECT_EQ(ranks_[0].ask("verdict 50 0"), "none");
}

TEST_F(HealthOfProcesses, NamesWhoHasNotJoined) {
  start(4);
  for (const int rank : {0, 1, 2}) ranks_[rank].tell("join 700");
  for (const int rank : {0, 1, 2}) {
    EXPECT_EQ(ranks_[rank].hear(), "error rank " + std::to_string(rank) +
                                       ": joining: 1 of 4 ranks have not joined in time: 3");
  }
}

TEST_F(HealthOfProcesses, FailsAtOnceWhenARankDiesWhileJoining) {
  start(3);
  for (const int rank : {0, 1}) ranks_[rank].tell("join 60000");
  ranks_[0].tell("verdict 1 1");
  // Rank 1 is killed at a moment of its own choosing; either it had joined, or nobody has heard of
  // it.
  ranks_[1].signal(SIGKILL);
  ranks_[2].tell("join 3000");
  EXPECT_THAT(ranks_[2].hear(), AllOf(HasSubstr("error rank 2: joining:"), HasSubstr("1")));
  EXPECT_THAT(ranks_[0].hear(), HasSubstr("error rank 0: joining:"));
}

}  // namespace
}  // namespace motet
