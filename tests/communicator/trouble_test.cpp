// What every rank hears when ranks die, stop, leave, or make different calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "scenario.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Trouble : public ::testing::TestWithParam<const char*> {
 protected:
  static std::vector<RankOutput> run(const std::string& scenario, int ranks = 3) {
    return run_ranks({.program = MOTET_SCENARIO_RANK,
                      .arguments = {scenario},
                      .ranks = ranks,
                      .environment = {{"MOTET_TRANSPORT", GetParam()}}});
  }
};

std::size_t entries(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    count += entry.path().filename().string().find("motet") != std::string::npos;
  }
  return count;
}

void expect_death_is_named(const std::vector<RankOutput>& ranks, std::size_t victim) {
  const std::string gone = "rank " + std::to_string(victim) + " on host ";
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (rank == victim) {
      EXPECT_EQ(ranks[rank].status, -SIGKILL);
      continue;
    }
    EXPECT_EQ(ranks[rank].status, 0) << ranks[rank].text;
    EXPECT_THAT(
        ranks[rank].text,
        AllOf(HasSubstr("allreduce 4 rank " + std::to_string(rank) + ": allreduce #"),
              HasSubstr(gone), HasSubstr("is gone (killed by signal 9)"), HasSubstr("next 4 ")));
    const auto noticed = ranks[rank].text.find("noticed ");
    ASSERT_NE(noticed, std::string::npos);
    std::printf("rank %zu %s", rank, ranks[rank].text.substr(noticed).c_str());
  }
}

TEST_P(Trouble, SurvivorsNameTheRankThatWasKilled) {
  expect_death_is_named(run("kill_small"), 1);
}
TEST_P(Trouble, SurvivorsNameTheRankThatWasKilledInALargeCall) {
  expect_death_is_named(run("kill_large"), 2);
}
TEST_P(Trouble, SurvivorsNameRankZeroThatWasKilled) {
  expect_death_is_named(run("kill_hub", 5), 0);
}

TEST_P(Trouble, NothingIsLeftBehindByTheKilled) {
  const auto shm = entries("/dev/shm"), tmp = entries("/tmp");
  run("kill_small", 2);
  EXPECT_EQ(entries("/dev/shm"), shm);
  EXPECT_EQ(entries("/tmp"), tmp);
}

struct Difference {
  const char* scenario;
  const char* one;
  const char* other;
};

// Whoever had to wait got an error, and so did everybody in the last call at the latest; both calls
// are quoted.
void expect_difference_is_quoted(const std::vector<RankOutput>& ranks,
                                 const Difference& difference) {
  for (const RankOutput& rank : ranks) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    const auto last = rank.text.rfind('\n', rank.text.size() - 2);
    const std::string final_call = last == std::string::npos ? rank.text : rank.text.substr(last);
    EXPECT_THAT(final_call,
                AllOf(HasSubstr(" 1 rank "), HasSubstr("ranks call different collectives"),
                      HasSubstr(difference.one), HasSubstr(difference.other)));
  }
}

TEST_P(Trouble, DifferentCallsAreQuotedOnEveryRank) {
  for (const Difference& difference :
       {Difference{"collectives", "rank 0: allreduce #2", "broadcast #2"},
        Difference{"counts", "allreduce #2 (400 B float32 sum)",
                   "rank 1: allreduce #2 (404 B float32 sum)"},
        Difference{"types", "float32 sum", "rank 1: allreduce #2 (400 B int32 sum)"},
        Difference{"ops", "float32 sum", "rank 1: allreduce #2 (400 B float32 max)"},
        Difference{"roots", "root 0", "rank 1: broadcast #2 (20 B float32 root 1)"},
        Difference{"count_zero", "broadcast #2 (20 B float32 root 0)", "rank 1: broadcast #2 (0 B"},
        Difference{"skipped", "barrier #2", "rank 1: allreduce #2"},
        Difference{"swapped", "broadcast #2", "rank 1: allreduce #2"}}) {
    SCOPED_TRACE(difference.scenario);
    expect_difference_is_quoted(run(difference.scenario), difference);
  }
}

TEST_P(Trouble, ARankThatLeftOrExitedIsNamedByThoseWhoWait) {
  const auto left = run("left");
  const auto exited = run("exited");
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(left[rank].text, HasSubstr("call 4 rank " + std::to_string(rank)));
    EXPECT_THAT(left[rank].text, HasSubstr("rank 1 has left the communicator after barrier #1"));
    EXPECT_THAT(exited[rank].text, HasSubstr("exited with status 0"));
  }
}

TEST_P(Trouble, ATimeoutSaysWhoIsMissing) {
  const auto ranks = run("late");
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(ranks[rank].text,
                AllOf(HasSubstr("call 3 rank"), HasSubstr("timed out after 700 ms"),
                      HasSubstr("rank 1: last called barrier #1")));
  }
}

TEST_P(Trouble, AStoppedRankDoesNotTouchBuffersAfterTheError) {
  for (const char* scenario : {"stop_ordinary", "stop_mapped"}) {
    if (std::string(GetParam()) != "shm" && std::string(scenario) == "stop_mapped") continue;
    const auto ranks = run(scenario);
    for (const std::size_t rank : {0U, 2U}) {
      EXPECT_THAT(ranks[rank].text,
                  AllOf(HasSubstr("allreduce 3 "), HasSubstr("rank 1 does not answer"),
                        HasSubstr("intact yes")));
    }
    EXPECT_THAT(ranks[1].text, HasSubstr("allreduce 3 "));
  }
}

TEST_P(Trouble, AForkedChildHidesNothingAndUsesNothing) {
  const auto ranks = run("fork_without_exec");
  EXPECT_THAT(ranks[1].text, HasSubstr("parent 0"));
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(ranks[rank].text,
                AllOf(HasSubstr("parent 0"), HasSubstr("after 4 "), HasSubstr("rank 1 on host")));
  }
}

TEST_P(Trouble, BadArgumentsAreRefusedAndChangeNothing) {
  for (const RankOutput& rank : run("bad_arguments")) {
    EXPECT_EQ(rank.status, 0);
    for (const char* word : {"null 1 allreduce: the input is NULL", "root 1 broadcast: root -1",
                             "root 3 is not a rank", "type 1 ", "op 1 ", "bitwise 1 ", "overlap 1 ",
                             "comm 1 ", "self 1 ", "size 1 ", "algorithm 1 ", "good 0", "sum 3"}) {
      EXPECT_THAT(rank.text, HasSubstr(word));
    }
  }
}

TEST_P(Trouble, AnAbortFromAnyThreadReachesAll) {
  for (const RankOutput& rank : run("abort_from_thread")) {
    EXPECT_THAT(rank.text, AllOf(HasSubstr("allreduce 5 "), HasSubstr("error 5 "),
                                 HasSubstr("rank 1 aborted the communicator: the loss is NaN")));
  }
}

TEST_P(Trouble, DestroyEndsOutstandingRequestsAsAborted) {
  const auto ranks = run("destroy_with_requests");
  EXPECT_THAT(ranks[0].text,
              AllOf(HasSubstr("destroy 0"), HasSubstr("wait 5 "), HasSubstr("destroyed")));
}

TEST_P(Trouble, AMissingRankIsNamedAtTheDeadline) {
  const auto ranks = run_ranks(
      {.program = MOTET_SCENARIO_RANK,
       .arguments = {"counts"},
       .ranks = 3,
       .environment = {{"MOTET_TRANSPORT", GetParam()}, {"MOTET_SETUP_TIMEOUT_MS", "1500"}},
       .missing = 2});
  for (const std::size_t rank : {0U, 1U}) {
    EXPECT_THAT(
        ranks[rank].text,
        AllOf(HasSubstr("create 3 "), HasSubstr("1 of 3 ranks did not come"), HasSubstr("rank 2")));
  }
}

INSTANTIATE_TEST_SUITE_P(Over, Trouble, ::testing::Values("shm", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace motet::testing
