#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "topology/topology.hpp"

namespace motet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string complaint(std::string_view text) {
  try {
    Topology::from_text(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(TopologyText, ShortFormNumbersRanksDepthFirst) {
  const Topology topology = Topology::from_text("2 nodes x 3");
  EXPECT_THAT(topology.tiers()[0].group_of, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_EQ(topology.to_text(), "2 nodes x 3");
}

TEST(TopologyText, TiersMayLieInsideNodes) {
  const Topology topology = Topology::from_text("2 nodes x 2 packages x 1");
  EXPECT_EQ(topology.tiers()[0].name, "package");
  EXPECT_EQ(topology.node_count(), 2);
  EXPECT_EQ(topology.to_text(), "2 nodes x 2 packages x 1");
}

TEST(TopologyText, ABareNumberIsOneNode) {
  EXPECT_EQ(Topology::from_text(" 8 \n"), Topology::single_node(8));
  EXPECT_EQ(Topology::single_node(8).to_text(), "1 nodes x 8");
}

TEST(TopologyText, LinesCarryUnevenMachines) {
  const Topology topology = Topology::from_nodes({0, 1, 0});
  EXPECT_EQ(topology.to_text(), "rank 0: node 0\nrank 1: node 1\nrank 2: node 0\n");
  EXPECT_EQ(Topology::from_text(topology.to_text()), topology);
}

TEST(TopologyText, LabelsCountInsideTheirEnclosingGroup) {
  const Topology topology = Topology::from_text(
      "rank 0: package 0, node a  # first\n\nrank 1: package 1, node a\nrank 2: package 0, node b");
  EXPECT_THAT(topology.tiers()[0].group_of, ElementsAre(0, 1, 2));
  EXPECT_THAT(topology.tiers()[1].group_of, ElementsAre(0, 0, 1));
}

TEST(TopologyText, ErrorsNameLineColumnAndWhatWasExpected) {
  EXPECT_THAT(complaint("4 nodes y 8"), HasSubstr("line 1, column 9: expected 'x'"));
  EXPECT_THAT(complaint("4 nodes x"), HasSubstr("expected a number, the text ends"));
  EXPECT_THAT(complaint("4 nodes x 8 8"), HasSubstr("column 13: expected 'x'"));
  EXPECT_THAT(complaint("0 nodes x 8"), HasSubstr("column 1: expected between 1 and"));
  EXPECT_THAT(complaint("2 nodes x 2 nodes x 8"), HasSubstr("column 13: expected a tier that was"));
  EXPECT_THAT(complaint("2 pods x 8"), HasSubstr("a tier of nodes"));
  EXPECT_THAT(complaint(""), HasSubstr("line 1, column 1: expected '4 nodes x 8'"));
  EXPECT_THAT(complaint("rank 0: node a\nrank 2: node a"),
              HasSubstr("line 2, column 6: expected 1, the next rank, found '2'"));
  EXPECT_THAT(complaint("rank 0: node a\nrank 1: pod a"), HasSubstr("line 2, column 1"));
  EXPECT_THAT(complaint("rank 0: pod a, pod b"), HasSubstr("every tier once"));
  EXPECT_THAT(complaint("rank 0: world a"), HasSubstr("no tier 'world'"));
  EXPECT_THAT(complaint("rank 0 node a"), HasSubstr("column 8: expected ':'"));
  EXPECT_THAT(complaint("rank 0: node a # x\nrank 1: node"), HasSubstr("which node"));
}

TEST(TopologyText, AskingForTooMuchIsAnErrorNotAnAllocation) {
  EXPECT_THAT(complaint("1000000 nodes x 1000000"), HasSubstr("ranks in all"));
  EXPECT_THAT(complaint("99999999999999999999 nodes x 1"), HasSubstr("a number"));
}

class Machine : public testing::TestWithParam<const char*> {};

TEST_P(Machine, ParsesAndPrintsBack) {
  std::ifstream file(std::string(MOTET_MACHINES) + "/" + GetParam());
  std::stringstream text;
  text << file.rdbuf();
  const Topology topology = Topology::from_text(text.str());
  EXPECT_EQ(topology.world_size(), 16);
  EXPECT_EQ(Topology::from_text(topology.to_text()), topology);
}

INSTANTIATE_TEST_SUITE_P(Recorded, Machine,
                         testing::Values("uneven_three_nodes.txt", "two_pods_two_packages.txt"));

// Random edits of good texts: an Error or a topology that prints back, never anything else.
TEST(TopologyText, GarbageIsAnErrorOrPrintsBack) {
  const std::string seeds[] = {
      "2 pods x 4 nodes x 8",
      "rank 0: package 0, node a, pod 0\nrank 1: package 1, node b, pod 0\n"};
  const std::string letters = "0129 x:,#\nrankode-\t.s\xff";
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text = seeds[round % 2];
    for (unsigned edits = random() % 4 + 1; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) text.erase(at, 1);
      text.insert(at, 1, letters[random() % letters.size()]);
    }
    try {
      const Topology topology = Topology::from_text(text);
      if (topology.world_size() > 1000) continue;
      ASSERT_EQ(Topology::from_text(topology.to_text()), topology) << text;
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("expected")) << text;
    }
  }
}

}  // namespace
}  // namespace motet
