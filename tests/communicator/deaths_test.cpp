// Ranks that die, exit, leave, stop or fork.
#include <signal.h>

#include <filesystem>
#include <set>

#include "trouble.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int peer_lost = 4, timed_out = 3, unavailable = 2;  // motet_status

class Deaths : public Trouble {
 protected:
  // The victim is killed in the middle of an allreduce of so many elements.
  static void kill_one(int ranks, int victim, const std::string& count) {
    std::vector<std::string> scripts(static_cast<std::size_t>(ranks),
                                     "loop:" + count + " barrier broadcast:5:0");
    scripts[static_cast<std::size_t>(victim)] = "die:" + count;
    const auto heard = run(ranks, scripts);
    std::set<std::string> causes;
    for (int rank = 0; rank < ranks; ++rank) {
      const Heard& one = heard[static_cast<std::size_t>(rank)];
      if (rank == victim) {
        EXPECT_EQ(one.status, -SIGKILL) << one.text;
        continue;
      }
      EXPECT_EQ(one.status, 0) << one.text;
      causes.insert(expect_named(rank, one, victim));
    }
    EXPECT_EQ(causes.size(), 1U) << "all survivors report the same";
  }

 private:
  // Returns the cause, without the rank and call that heard of it.
  static std::string expect_named(int rank, const Heard& heard, int victim) {
    const std::string me = "rank " + std::to_string(rank);
    const std::string gone = "rank " + std::to_string(victim) + " on host ";
    const Said error = heard.find("loop");
    EXPECT_THAT(error, Failed(peer_lost, AllOf(HasSubstr(me + ": allreduce #"), HasSubstr(gone),
                                               HasSubstr("is gone (killed by signal 9)"))));
    std::printf("%s heard of the death of rank %d after %.1f ms: %s\n", me.c_str(), victim,
                error.ms, error.text.c_str());
    for (const char* later : {"barrier", "broadcast"}) {
      const Said next = heard.find(later);
      EXPECT_THAT(next, Failed(peer_lost, HasSubstr(gone)));
    }
    const auto cause = error.text.find(gone);
    return cause == std::string::npos ? error.text : error.text.substr(cause);
  }
};

constexpr const char* small = "1000";
constexpr const char* large = "16777216";  // 64 MiB

TEST_P(Deaths, AreNamedByEverySurvivorOfASmallCall) {
  kill_one(2, 1, small);
  kill_one(5, 3, small);
}
TEST_P(Deaths, AreNamedByEverySurvivorOfALargeCall) {
  kill_one(2, 1, large);
  kill_one(3, 2, large);
}
TEST_P(Deaths, OfRankZeroAreNamedToo) {
  kill_one(2, 0, small);
  kill_one(4, 0, small);
  kill_one(3, 0, large);
}

TEST_P(Deaths, AreHeardOfByCallbacksThatNobodyDrives) {
  const auto heard = run({.arguments = {"unattended:1000", "die:1000", "unattended:1000"},
                          .ranks = 3,
                          .environment = {{"MOTET_PROGRESS_THREAD", "1"}}});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("unattended"),
                Failed(peer_lost, HasSubstr("is gone (killed by signal 9)")));
  }
}

std::set<std::string> entries() {
  std::set<std::string> names;
  for (const char* folder : {"/dev/shm", "/tmp"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path();
      if (name.find("motet") != std::string::npos) names.insert(name);
    }
  }
  return names;
}

TEST_P(Deaths, LeaveNothingBehind) {
  const auto before = entries();
  kill_one(3, 1, large);
  // The secret, too, is the library's own business here.
  const auto heard = run({.arguments = {"die:" + std::string(large)},
                          .ranks = 3,
                          .environment = {{"MOTET_SECRET", ""}}});
  for (const Heard& rank : heard) EXPECT_EQ(rank.status, -SIGKILL) << rank.text;
  EXPECT_EQ(entries(), before);
}

TEST_P(Deaths, OfAProcessThatExitsAreNamedWithItsStatus) {
  const auto heard = run(3, {"allreduce:9", "exit:7", "allreduce:9"});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("allreduce"),
                Failed(peer_lost, AllOf(HasSubstr("rank 1 on host"),
                                        HasSubstr("is gone (exited with status 7)"))));
  }
}

TEST_P(Deaths, OfACommunicatorAreToldToThoseWhoWait) {
  for (const int ranks : {2, 3}) {
    const auto heard =
        run(ranks, {"allreduce:9 reach:0", "destroy await:0:" + std::to_string(ranks - 1),
                    "allreduce:9 reach:0"});
    for (int rank = 0; rank < ranks; ++rank) {
      if (rank == 1) continue;
      EXPECT_THAT(
          heard[static_cast<std::size_t>(rank)].find("allreduce"),
          Failed(peer_lost, HasSubstr("rank 1 has left the communicator after barrier #1")));
    }
    EXPECT_THAT(heard[1].find("destroy"), Succeeded());
  }
}

// Rank 0 has the hub.
TEST_P(Deaths, OfRankZerosCommunicatorAreToldToThoseWhoWait) {
  const auto heard = run(3, {"destroy", "allreduce:9"});
  for (const std::size_t rank : {1U, 2U}) {
    EXPECT_THAT(heard[rank].find("allreduce"), Failed(peer_lost, HasSubstr("rank 0 has left")));
  }
}

TEST_P(Deaths, AreNoneWhereEverybodyLeavesAtOnce) {
  for (const int ranks : {2, 3, 5}) {
    for (const Heard& rank : run(ranks, {"allreduce:100 destroy"})) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      EXPECT_THAT(rank.find("allreduce"), Succeeded());
      EXPECT_THAT(rank.find("destroy"), Succeeded());
    }
  }
}

TEST_P(Deaths, AreNotHiddenByAChildThatLivesOn) {
  for (const std::string way : {"fork_and_die", "fork_and_die:exec"}) {
    const std::string survivor = "allreduce:100 allreduce:5 reach:1";
    const auto heard = run(3, {survivor, "allreduce:100 " + way, survivor});
    EXPECT_EQ(heard[1].status, -SIGKILL) << heard[1].text;
    for (const std::size_t rank : {0U, 2U}) {
      EXPECT_THAT(heard[rank].said.back(),
                  Failed(peer_lost, AllOf(HasSubstr("rank 1 on host"), HasSubstr("is gone"))));
    }
  }
}

TEST_P(Deaths, OfAForkedChildHarmNobody) {
  const std::string use = "allreduce:20000 barrier broadcast:5000:0";
  for (const int ranks : {1, 2, 3}) {
    // At a child's end the leak sanitizer would look for its parent's threads, and now and then die
    // of it.
    const auto heard = run({.arguments = {use + " fork_and_go_on " + use, use + " " + use},
                            .ranks = ranks,
                            .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}}});
    for (const Heard& rank : heard) EXPECT_EQ(rank.status, 0) << rank.text;
    EXPECT_THAT(heard[0].find("waited"), Succeeded());
    for (const Said& said : heard[0].said) {
      const bool child = said.what == "child";
      EXPECT_THAT(said.text, HasSubstr(child ? "was forked" : ""));
      EXPECT_EQ(said.status, child ? unavailable : 0) << said.text;
    }
  }
}

// Under the thread sanitizer a call alone takes a second.
#ifdef __SANITIZE_THREAD__
constexpr int patience_ms = 6000;
#else
constexpr int patience_ms = 1000;
#endif

class Stops : public Trouble {
 protected:
  static void stop(const std::string& memory) {
    const std::string patience = std::to_string(patience_ms);
    const std::string overwriting = "timeout:" + patience + " overwriting:" + memory;
    const auto heard = run(3, {overwriting, "stopped:" + memory, overwriting});
    for (const std::size_t rank : {0U, 2U}) {
      EXPECT_EQ(heard[rank].find("overwriting").status, timed_out);
      EXPECT_THAT(heard[rank].find("overwriting").text, HasSubstr("rank 1 does not answer"));
      EXPECT_THAT(heard[rank].text, AllOf(HasSubstr("intact"), Not(HasSubstr("touched"))));
    }
    EXPECT_NE(heard[1].find("stopped").status, 0);
    EXPECT_THAT(heard[1].find("stopped").text, HasSubstr("timed out after " + patience + " ms"));
  }
};

TEST_P(Stops, LeaveOrdinaryMemoryAloneAfterTheError) {
  stop("ordinary");
}

TEST_P(Stops, LeaveMemoryThatIsReadAloneAfterTheError) {
  stop("read");
}

TEST_P(Stops, LeaveMappedMemoryAloneAfterTheError) {
  if (std::string(GetParam()) == "tcp") GTEST_SKIP() << "nothing is mapped";
  for (int round = 0; round < 3; ++round) stop("mapped");  // it stops at another place
}

TEST_P(Stops, EndSendsAtTheirDeadline) {
  const auto heard = run(2, {"timeout:1000 sending_to_stopped:125000 reach:0", "await:0:1"});
  EXPECT_THAT(heard[0].find("sending"), Failed(timed_out, HasSubstr("timed out after 1000 ms")));
}

TEST_P(Stops, AreTimeoutsThatSayWhereEverybodyIs) {
  const auto heard =
      run(3, {"timeout:300 allreduce:10 barrier reach:0", "await:0:2 allreduce:10 barrier",
              "timeout:300 allreduce:10 barrier reach:0"});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("allreduce"),
                Failed(timed_out, AllOf(HasSubstr("timed out after 300 ms"),
                                        HasSubstr("2 of 3 ranks have called #2"),
                                        HasSubstr("rank 1: last called barrier #1"))));
    EXPECT_THAT(heard[rank].find("barrier"),
                Failed(timed_out, HasSubstr("timed out after 300 ms")));
  }
  // Its own part may have been complete when it came; then it hears of it in its next call.
  EXPECT_THAT(heard[1].find("barrier"), Failed(timed_out, HasSubstr("timed out after 300 ms")));
}

MOTET_OVER_EVERY_TRANSPORT(Deaths);
MOTET_OVER_EVERY_TRANSPORT(Stops);

}  // namespace
}  // namespace motet::testing
