// v-forms whose ranks disagree, and arguments that cannot be: scenario_rank checks the result of
// every call that succeeds.
#include <fmt/format.h>

#include "trouble.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int invalid_argument = 1;  // motet_status

// "5,1,1": the first, then ones.
std::string counts(const std::string& first, int ranks) {
  std::string text = first;
  for (int rank = 1; rank < ranks; ++rank) text += ",1";
  return text;
}
// "1,5,1": all ones but that of rank 1.
std::string counts_with(std::size_t second, int ranks) {
  std::string text = fmt::format("1,{}", second);
  for (int rank = 2; rank < ranks; ++rank) text += ",1";
  return text;
}

class UnevenTrouble : public Trouble {
 protected:
  // Whoever had to wait got the error; everybody else gets it in the last call, a barrier.
  static void expect_refused(const std::vector<std::string>& scripts, int ranks,
                             const ::testing::Matcher<const std::string&>& text) {
    SCOPED_TRACE(scripts[0] + " and " + scripts[1] + " of " + std::to_string(ranks));
    std::vector<std::string> all = scripts;
    for (std::string& script : all) script += " barrier barrier";
    for (const Heard& rank : run(ranks, all)) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      ASSERT_FALSE(rank.said.empty()) << rank.text;
      EXPECT_THAT(rank.said.back(), Failed(invalid_argument, text)) << rank.text;
      for (const Said& said : rank.said) EXPECT_LT(said.ms, longest_ms) << rank.text;
    }
  }
};

struct Lengths {
  std::size_t sent, expected;
};
// Within a block, whole blocks, and one that is announced against one that is not.
constexpr Lengths different[] = {{5, 6},         {6, 5},           {5, 0},
                                 {0, 5},         {32'768, 65'536}, {65'536, 32'768},
                                 {3'000'000, 3}, {3, 3'000'000},   {1'000'000, 1'000'001},
                                 {0, 2'000'000}, {2'000'000, 0}};

std::string quoted(const Lengths& lengths) {
  return fmt::format(" sends {} elements to rank 1, which expects {}", lengths.sent,
                     lengths.expected);
}

TEST_P(UnevenTrouble, LengthsOfAlltoallvAreNamedByTheErrorOfAll) {
  for (const int ranks : {2, 3, 5}) {
    for (const Lengths& lengths : different) {
      const std::string ones = counts("1", ranks);
      // Rank 0 sends rank 1 something else than that expects.
      const std::string zero = "alltoallv:" + counts_with(lengths.sent, ranks) + ":" + ones;
      const std::string one =
          "alltoallv:" + ones + ":" + counts(std::to_string(lengths.expected), ranks);
      const std::string others = "alltoallv:" + ones + ":" + ones;
      expect_refused({zero, one, others}, ranks,
                     AllOf(HasSubstr("rank 0 on host"), HasSubstr(quoted(lengths))));
    }
  }
}

TEST_P(UnevenTrouble, LengthsOfGathervAreNamedByTheErrorOfAll) {
  for (const Lengths& lengths : different) {
    const std::string sender = fmt::format("gatherv:{}:1", lengths.sent);
    const std::string root = fmt::format("gatherv:2:1:{},2,1", lengths.expected);
    expect_refused({sender, root, "gatherv:1:1"}, 3,
                   AllOf(HasSubstr("rank 0 on host"), HasSubstr(quoted(lengths))));
  }
}

TEST_P(UnevenTrouble, LengthsOfScattervAreNamedByTheErrorOfAll) {
  for (const Lengths& lengths : different) {
    const std::string root = fmt::format("scatterv:2:0:2,{},1", lengths.sent);
    const std::string receiver = fmt::format("scatterv:{}:0", lengths.expected);
    expect_refused({root, receiver, "scatterv:1:0"}, 3,
                   AllOf(HasSubstr("rank 0 on host"), HasSubstr(quoted(lengths))));
  }
}

TEST_P(UnevenTrouble, CountsThatAllGiveAreQuotedWhereTheyDiffer) {
  for (const std::string what : {"allgatherv", "reduce_scatterv"}) {
    const std::string sum = what == "allgatherv" ? "" : " sum";
    expect_refused(
        {what + ":1,2,3", what + ":1,3,2", what + ":1,2,3"}, 3,
        AllOf(HasSubstr("ranks call different collectives"),
              HasSubstr(": " + what + " #2 (24 B float32" + sum + " in parts of 1 2 3)"),
              HasSubstr("rank 1: " + what + " #2 (24 B float32" + sum + " in parts of 1 3 2)")));
    expect_refused({what + ":0,0,0", what + ":0,0,700000", what + ":0,0,0"}, 3,
                   AllOf(HasSubstr("in parts of 0 0 0)"), HasSubstr("in parts of 0 0 700000)")));
  }
}

TEST_P(UnevenTrouble, IsToldFromOtherCalls) {
  expect_refused({"allgatherv:5,5,5", "allgather:5", "allgatherv:5,5,5"}, 3,
                 AllOf(HasSubstr(": allgatherv #2 (60 B float32 in parts of 5 5 5)"),
                       HasSubstr("rank 1: allgather #2 (20 B float32)")));
  expect_refused({"alltoallv:1,1:1,1", "alltoall:1"}, 2,
                 AllOf(HasSubstr("rank 0: alltoallv #2"), HasSubstr("rank 1: alltoall #2")));
  expect_refused({"gatherv:5:0:5,5", "gatherv:5:1:5,5"}, 2,
                 AllOf(HasSubstr("float32 root 0)"), HasSubstr("float32 root 1)")));
}

TEST_P(UnevenTrouble, IsNoneWhereLengthsAgree) {
  const std::vector<std::string> scripts{
      "alltoallv:0,5,0:0,0,9 gatherv:0:1 scatterv:4:0:4,0,40000 allgatherv:0,0,7",
      "alltoallv:0,0,0:5,0,0 gatherv:3:1:0,3,100 scatterv:0:0 allgatherv:0,0,7",
      "alltoallv:9,0,0:0,0,0 gatherv:100:1 scatterv:40000:0 allgatherv:0,0,7"};
  for (const Heard& rank : run(3, scripts)) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    EXPECT_EQ(rank.said.size(), 5U);
    for (const Said& said : rank.said) EXPECT_THAT(said, Succeeded());
  }
}

TEST_P(UnevenTrouble, OfArgumentsIsRefusedAndChangesNothing) {
  const auto heard = run(3, {"bad_counts allgatherv:1,2,3 alltoallv:1,1,1:1,1,1"});
  for (const Heard& rank : heard) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const auto& [what, text] : std::map<std::string, const char*>{
             {"no counts", "allgatherv: counts is NULL"},
             {"too many", "allgatherv: counts: "},
             {"overlap", "allgatherv: input and output overlap"},
             {"input", "allgatherv: the input is NULL"},
             {"output", "allgatherv: the output is NULL"},
             {"no counts to combine by", "reduce_scatterv: counts is NULL"},
             {"nothing to send", "alltoallv: send_counts is NULL"},
             {"nothing to receive", "alltoallv: recv_counts is NULL"},
             {"too many to send", "alltoallv: send_counts: "},
             {"too many to receive", "alltoallv: recv_counts: "},
             {"other self", "sends itself 2 elements and expects 1"},
             {"in place", "alltoallv: input and output overlap"}}) {
      EXPECT_THAT(rank.find(what), Failed(invalid_argument, HasSubstr(text)));
    }
    EXPECT_THAT(rank.find("allgatherv"), Succeeded());
    EXPECT_THAT(rank.find("alltoallv"), Succeeded());
  }
  EXPECT_THAT(heard[2].find("root's counts"),
              Failed(invalid_argument, HasSubstr("gatherv: counts is NULL")));
  EXPECT_THAT(heard[2].find("root's own"),
              Failed(invalid_argument, HasSubstr("the root's count is 2, its counts say 1")));
}

MOTET_OVER_EVERY_TRANSPORT(UnevenTrouble);

}  // namespace
}  // namespace motet::testing
