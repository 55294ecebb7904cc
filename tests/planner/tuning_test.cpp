#include "planner/tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "planner/planner.hpp"

namespace motet {
namespace {

using testing::HasSubstr;

std::string complaint(std::string_view text) {
  try {
    Tuning::from_text(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "none";
}

constexpr std::string_view everything =
    "# a comment\n"
    "machine 5a1c0de3\n"
    "latency shared_memory 0.2 us\n"
    "message network 0 B 2 us, 1 KiB 3 us, 64 KiB 30 us\n"
    "crowded shared_memory 0.4 us\n"
    "copy 0 B 0 us, 1 MiB 80 us\n"
    "reduce 0 B 0 us, 1 MiB 90 us\n"
    "type bfloat16 2.5\n"
    "switch 3 us\n"
    "nic 2.5 GB/s\n"
    "use allreduce 1 x 4 shared_memory 1 KiB to 64 KiB ring chunks=2 channels=4\n"
    "measured allreduce 1 x 4 shared_memory 16384 B two_shot 12.5 us\n";

TEST(Tuning, ReadsEveryKindOfLine) {
  const Tuning tuning = Tuning::from_text(everything);
  EXPECT_EQ(tuning.machine, "5a1c0de3");
  EXPECT_EQ(tuning.model.shared_memory.latency, microseconds(0.2));
  EXPECT_EQ(tuning.model.network.message.at(1024), microseconds(3));
  EXPECT_EQ(tuning.model.shared_memory.crowded, microseconds(0.4));
  EXPECT_EQ(tuning.model.copy.at(1048576), microseconds(80));
  EXPECT_EQ(tuning.model.for_type(DataType::bfloat16).reduce.at(1048576), microseconds(225));
  EXPECT_EQ(tuning.model.context_switch, microseconds(3));
  EXPECT_EQ(tuning.model.nic, Bandwidth::gigabytes(2.5));
  ASSERT_EQ(tuning.preferences.size(), 1U);
  EXPECT_EQ(tuning.preferences[0].algorithm, "ring");
  EXPECT_EQ(tuning.preferences[0].params->channels, 4);
  ASSERT_EQ(tuning.measured.size(), 1U);
  EXPECT_EQ(tuning.measured[0].time, microseconds(12.5));
}

TEST(Tuning, ReadsBackWhatItPrints) {
  const Tuning tuning = Tuning::from_text(everything);
  EXPECT_EQ(Tuning::from_text(tuning.to_text()), tuning);
  EXPECT_EQ(Tuning::from_text(Tuning().to_text()), Tuning());
}

TEST(Tuning, SaysWhereAndWhatWasExpected) {
  EXPECT_THAT(complaint("latency shared_memory 0.2 us\nswich 2 us\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("did you mean 'switch'?")));
  EXPECT_THAT(complaint("use allreduce 1 x 4 shared_memory 1 KiB to 64 KiB rong\n"),
              AllOf(HasSubstr("column 51"), HasSubstr("'ring'")));
  EXPECT_THAT(complaint("use allreduce 1 x 4 shared_memory 64 KiB to 1 KiB ring\n"),
              HasSubstr("as many bytes or more"));
  EXPECT_THAT(complaint("use allreduce 0 x 4 shared_memory 1 KiB to 2 KiB ring\n"),
              HasSubstr("a number of nodes"));
  EXPECT_THAT(complaint("copy 1 KiB 3 us, 2 KiB 4 us\n"), HasSubstr("a first point at 0 B"));
  EXPECT_THAT(complaint("copy 0 B 3 us, 2 KiB 1 us\n"), HasSubstr("a time no less than before"));
  EXPECT_THAT(complaint("copy 0 B 3 us\n"), HasSubstr("a second point"));
  EXPECT_THAT(complaint("switch 2 us 3\n"), HasSubstr("the end of the line"));
  EXPECT_THAT(complaint("machine\nswitch 2 us\n"), HasSubstr("a machine's hash"));
  EXPECT_THAT(complaint("type float32 0\n"), HasSubstr("a factor"));
  EXPECT_THAT(complaint(std::string_view("\x01\xff\0x", 4)), HasSubstr("line 1"));
}

Problem allreduce(const Topology& topology, std::size_t bytes) {
  return {.topology = topology,
          .collective = Collective::allreduce,
          .parts = Parts::even(bytes / 4, topology.world_size()),
          .params = {}};
}

TEST(Tuning, IsPreferredToTheModelWhereItSpeaks) {
  const Topology four = Topology::single_node(4), eight = Topology::single_node(8);
  const Planner planner({.cores_per_node = 4}, Tuning::from_text(everything));
  const Choice inside = planner.choose(allreduce(four, 16384));
  EXPECT_EQ(inside.algorithm->name, "ring");
  EXPECT_EQ(inside.params.chunks, 2);
  EXPECT_NE(planner.choose(allreduce(four, 1 << 20)).algorithm->name, "ring");
  EXPECT_NE(planner.choose(allreduce(eight, 16384)).algorithm->name, "ring");
  const Machine network{.cores_per_node = 4, .within_nodes = TransportClass::network};
  EXPECT_EQ(Planner(network, Tuning::from_text(everything))
                .choose(allreduce(four, 16384))
                .algorithm->name,
            Planner(network).choose(allreduce(four, 16384)).algorithm->name);
}

// Nothing can go around a tier where there are only two.
TEST(Tuning, IsPassedOverWhereItAsksForWhatCannotBe) {
  const Topology topology = Topology::from_text("2 nodes x 4");
  const Planner planner({.cores_per_node = 4},
                        Tuning::from_text("use allreduce 2 x 4 shared_memory 1 KiB to 1 GiB "
                                          "hierarchical around_percent=30\n"));
  const Choice choice = planner.choose(allreduce(topology, 1 << 20));
  EXPECT_EQ(choice.params.around_percent, 0);
}

TEST(Tuning, GivesWayToAHint) {
  const Topology topology = Topology::single_node(4);
  const Planner planner({.cores_per_node = 4}, Tuning::from_text(everything));
  const Choice choice = planner.choose(allreduce(topology, 16384), {.algorithm = "mesh"});
  EXPECT_EQ(choice.algorithm->name, "mesh");
}

TEST(Tuning, IsQuotedByExplain) {
  const Topology topology = Topology::single_node(4);
  const Planner planner({.cores_per_node = 4}, Tuning::from_text(everything));
  const std::string text = planner.explain(allreduce(topology, 16384));
  EXPECT_THAT(text, HasSubstr("measured 12.50"));
  EXPECT_THAT(text, HasSubstr("preferred by the tuning"));
}

}  // namespace
}  // namespace motet
