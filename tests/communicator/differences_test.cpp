// Ranks whose calls differ: both calls are quoted, and no data are wrong (scenario_rank checks the
// result of every call that succeeds).
#include "trouble.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int invalid_argument = 1;  // motet_status

struct Difference {
  const char* name;
  std::string others, rank_one;  // scripts
  std::string quoted, quoted_of_one;
};

class Differences : public Trouble {
 protected:
  // Whoever had to wait got the error; everybody else gets it in the last call, a barrier.
  static void expect_quoted(const Difference& difference, int ranks) {
    SCOPED_TRACE(std::string(difference.name) + " of " + std::to_string(ranks) + " ranks");
    const std::string end = " barrier barrier";
    const auto heard =
        run(ranks, {difference.others + end, difference.rank_one + end, difference.others + end});
    for (const Heard& rank : heard) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      ASSERT_FALSE(rank.said.empty()) << rank.text;
      bool failed = false;
      for (const Said& said : rank.said) {
        if (failed) {
          EXPECT_NE(said.status, 0) << "after an error: " << rank.text;
        }
        failed |= said.status != 0;
        EXPECT_LT(said.ms, longest_ms) << rank.text;
      }
      EXPECT_THAT(
          rank.said.back(),
          Failed(invalid_argument,
                 AllOf(HasSubstr("ranks call different collectives"), HasSubstr(difference.quoted),
                       HasSubstr("rank 1: " + difference.quoted_of_one))));
    }
  }
};

std::vector<Difference> differences() {
  std::string many;  // calls in which rank 0 waits for nobody
  for (int i = 0; i < 40; ++i) many += "broadcast:5:0 ";
  return {
      {"far ahead", many, "allreduce:5", "broadcast #2 (20 B", "allreduce #2 (20 B"},
      {"collectives", "allreduce:100", "broadcast:100", "allreduce #2 (400 B float32 sum)",
       "broadcast #2 (400 B float32 root 0)"},
      {"reverse collectives", "alltoall:10", "allgather:10", "alltoall #2", "allgather #2"},
      {"barriers", "barrier", "reduce_scatter:3", "barrier #2", "reduce_scatter #2"},
      {"counts", "allreduce:100", "allreduce:101", "allreduce #2 (400 B float32 sum)",
       "allreduce #2 (404 B float32 sum)"},
      {"large counts", "allreduce:3000000", "allreduce:3000001", "allreduce #2 (",
       "allreduce #2 ("},
      {"small and large", "allreduce:10", "allreduce:3000001", "allreduce #2 (40 B",
       "allreduce #2 ("},
      {"large and small", "allgather:1000000", "allgather:1", "allgather #2 (",
       "allgather #2 (4 B"},
      {"no elements", "allreduce:5", "allreduce:0", "allreduce #2 (20 B", "allreduce #2 (0 B"},
      {"some elements", "allreduce:0", "allreduce:5", "allreduce #2 (0 B", "allreduce #2 (20 B"},
      {"broadcast of none", "broadcast:5:0", "broadcast:0:0", "broadcast #2 (20 B float32 root 0)",
       "broadcast #2 (0 B"},
      {"scatter of none", "scatter:5:1", "scatter:0:1", "scatter #2 (20 B", "scatter #2 (0 B"},
      {"gather counts", "gather:5:0", "gather:6:0", "gather #2 (20 B", "gather #2 (24 B"},
      {"reduce counts", "reduce:5:1", "reduce:600000:1", "reduce #2 (20 B", "reduce #2 ("},
      {"types", "typed:10:0", "typed:2:0", "float32 sum", "allreduce #2 (400 B int32 sum)"},
      {"ops", "typed:10:0", "typed:10:3", "float32 sum", "allreduce #2 (400 B float32 max)"},
      {"elements", "combined:12", "combined:16", "allreduce #2 (1200 B uint8 user)",
       "allreduce #2 (1600 B uint8 user)"},
      {"two roots", "broadcast:5:0", "broadcast:5:1", "root 0",
       "broadcast #2 (20 B float32 root 1)"},
      {"two large roots", "broadcast:2000000:0", "broadcast:2000000:1", "root 0", "broadcast #2 ("},
      {"roots of reduce", "reduce:5:0", "reduce:5:1", "root 0",
       "reduce #2 (20 B float32 sum root 1)"},
      {"skipped", "barrier allreduce:100", "allreduce:100", "barrier #2", "allreduce #2"},
      {"swapped", "broadcast:5:0 allreduce:5", "allreduce:5 broadcast:5:0", "broadcast #2",
       "allreduce #2"},
      {"requests", "started:allreduce:100", "started:allreduce:99", "allreduce #2 (400 B",
       "allreduce #2 (396 B"},
      {"a split", "split:0", "allreduce:5", "allgather #2", "allreduce #2"},
  };
}

TEST_P(Differences, AreQuotedByTwoRanks) {
  for (const Difference& difference : differences()) expect_quoted(difference, 2);
}
TEST_P(Differences, AreQuotedByThreeRanks) {
  for (const Difference& difference : differences()) expect_quoted(difference, 3);
}
TEST_P(Differences, AreQuotedByFiveRanks) {
  for (const Difference& difference : differences()) expect_quoted(difference, 5);
}

// The arguments are equal, but each rank would talk past the other.
TEST_P(Differences, OfAlgorithmsNeverGiveWrongData) {
  for (const char* other : {"star", "recursive_doubling", "ring"}) {
    const std::string rank_one = std::string("hinted:") + other + ":100 barrier barrier";
    for (const Heard& rank :
         run(3, {"hinted:mesh:100 barrier barrier", rank_one, "hinted:mesh:100 barrier barrier"})) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      EXPECT_THAT(rank.said.back(), Failed(invalid_argument, HasSubstr("differs")));
    }
  }
}

TEST_P(Differences, OfMessagesAreErrorsOfBothEnds) {
  for (const auto& [sent, expected] : {std::pair{10, 11}, {5, 0}, {0, 5}, {3'000'000, 3}}) {
    const auto heard = run(2, {"send:" + std::to_string(sent) + ":1 barrier",
                               "recv:" + std::to_string(expected) + ":0 barrier"});
    for (const Heard& rank : heard) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      EXPECT_NE(rank.said.back().status, 0) << rank.text;
      EXPECT_LT(rank.said.back().ms, longest_ms);
    }
    EXPECT_THAT(
        heard[1].find("recv"),
        Failed(invalid_argument, AllOf(HasSubstr("rank 1: recv #1 ("), HasSubstr("rank 0 on host"),
                                       HasSubstr("sent something else"))));
  }
}

TEST_P(Differences, AreNoneInMessagesOfNothing) {
  for (const Heard& rank :
       run(2, {"send:0:1 barrier recv:0:1 barrier", "recv:0:0 barrier send:0:0 barrier"})) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const Said& said : rank.said) EXPECT_THAT(said, Succeeded());
  }
}

MOTET_OVER_EVERY_TRANSPORT(Differences);

}  // namespace
}  // namespace motet::testing
