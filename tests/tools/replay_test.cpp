#include "replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace motet_perf {
namespace {

// What parsing `text`, of the file "steps", complains of; "" if of nothing.
std::string complaint(const std::string& text) {
  try {
    (void)parse_replay(text, "steps");
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Replay, TakesALineForACallAndWaitsWhereTheFileSays) {
  const auto calls = parse_replay(
      "# a step\n"
      "\n"
      "allreduce float32 sum 2049000  # the first bucket\n"
      "  allgather\tbf16 12\r\n"
      "wait\n"
      "barrier",
      "steps");
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].collective.name, "allreduce");
  EXPECT_EQ(calls[0].type.type, motet_float32);
  EXPECT_EQ(calls[0].op.op, motet_sum);
  EXPECT_EQ(calls[0].elements, 2049000u);
  EXPECT_FALSE(calls[0].wait_after);
  EXPECT_EQ(calls[1].type.type, motet_bfloat16);
  EXPECT_TRUE(calls[1].wait_after);
  EXPECT_EQ(calls[2].collective.name, "barrier");
  EXPECT_FALSE(calls[2].wait_after);
}

TEST(Replay, CountsElementsOfAllPartsAndRoundsEachUp) {
  const auto calls =
      parse_replay("allreduce int8 max 13\nreduce_scatter half sum 13\nwait", "steps");
  EXPECT_EQ(count_of(calls[0], 4), 13u);
  EXPECT_EQ(count_of(calls[1], 4), 4u);
  EXPECT_EQ(count_of(calls[1], 13), 1u);
}

TEST(Replay, NamesTheLineAndWhatIsWrongWithIt) {
  EXPECT_THAT(
      complaint("barrier\nall_reduce float32 sum 8"),
      testing::StartsWith("steps:2: unknown collective 'all_reduce'; choose from allreduce, "));
  EXPECT_THAT(complaint("allreduce float33 sum 8"),
              testing::StartsWith("steps:1: unknown type 'float33'; choose from int8, "));
  EXPECT_THAT(complaint("allreduce float32 summ 8"),
              testing::EndsWith("unknown op 'summ'; choose from sum, prod, min, max, avg, and, or, "
                                "xor, premul_sum"));
  EXPECT_EQ(complaint("allreduce float32 8"),
            "steps:1: expected allreduce TYPE OP ELEMENTS, found 3 words");
  EXPECT_EQ(complaint("allgather"), "steps:1: expected allgather TYPE ELEMENTS, found 1 word");
  EXPECT_EQ(complaint("barrier 8"), "steps:1: expected barrier, found 2 words");
  EXPECT_EQ(complaint("allreduce float32 and 8"),
            "steps:1: op and is not defined for type float32");
}

TEST(Replay, RefusesWhatIsNoNumberOfElements) {
  for (const char* wrong : {"-1", "8K", "1.5", "x", "99999999999999", "99999999999999999999999"})
    EXPECT_EQ(complaint(std::string("broadcast int32 ") + wrong),
              std::string("steps:1: '") + wrong + "' is no number of elements");
  EXPECT_EQ(complaint("broadcast int32 0"), "");
}

TEST(Replay, RefusesToWaitForNothing) {
  for (const char* text : {"wait", "barrier\nwait\nwait"})
    EXPECT_THAT(complaint(text), testing::EndsWith("nothing has begun that could be waited for"));
  EXPECT_THAT(complaint("barrier\nwait 2"), testing::StartsWith("steps:2: wait is for all"));
}

TEST(Replay, RefusesFilesWithoutACall) {
  EXPECT_EQ(complaint("# nothing\n\n"), "steps: there is no call in it");
  EXPECT_THROW((void)read_replay("/nowhere/steps"), std::invalid_argument);
}

}  // namespace
}  // namespace motet_perf
