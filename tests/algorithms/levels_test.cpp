#include "algorithms/levels.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

std::vector<std::vector<Rank>> members(const Topology& topology, Rank me) {
  std::vector<std::vector<Rank>> all;
  for (const Group& level : levels(topology, me)) all.push_back(level.members());
  return all;
}

using Members = std::vector<std::vector<Rank>>;

TEST(Levels, OfOneNodeAreOneGroup) {
  EXPECT_EQ(members(Topology::single_node(4), 1), (Members{{0, 1, 2, 3}}));
}

TEST(Levels, OfNodesAreTheNodeAndTheRail) {
  EXPECT_EQ(members(Topology::from_text("3 nodes x 4"), 5), (Members{{4, 5, 6, 7}, {1, 5, 9}}));
}

TEST(Levels, OfThreeTiersAreThree) {
  const Topology topology = Topology::from_text("2 pods x 3 nodes x 2");
  EXPECT_EQ(members(topology, 3), (Members{{2, 3}, {1, 3, 5}, {3, 9}}));
}

TEST(Levels, LeaveOutTiersOfOneMember) {
  EXPECT_EQ(members(Topology::from_text("3 nodes x 1"), 1), (Members{{0, 1, 2}}));
}

TEST(Levels, FollowPlacesWhereRanksAreDealtDifferently) {
  // Second place on their nodes: 1, 3 in the first pod, 6, 7 in the second, whose nodes are dealt.
  const Topology topology =
      Topology::from_text("2 pods x 2 nodes x 2").subset({0, 1, 2, 3, 4, 6, 5, 7});
  EXPECT_EQ(members(topology, 3), (Members{{2, 3}, {1, 3}, {3, 7}}));
  EXPECT_EQ(members(topology, 6), (Members{{4, 6}, {6, 7}, {1, 6}}));
}

TEST(Levels, JoinTheTwoOutermostWhereTheMiddleIsLeftOut) {
  const Topology topology = Topology::from_text("2 pods x 3 nodes x 2");
  EXPECT_EQ(level_count(topology), 3);
  std::vector<std::vector<Rank>> found;
  for (const Group& level : levels(topology, 3, Middle::left_out)) found.push_back(level.members());
  EXPECT_EQ(found, (Members{{2, 3}, {1, 3, 5, 7, 9, 11}}));
}

TEST(Levels, ListWhoHasMyPlaceFromMeOn) {
  const Topology topology = Topology::from_text("2 pods x 3 nodes x 2");
  EXPECT_EQ(same_place(topology, 8, 2), (std::vector<Rank>{8, 2}));
  EXPECT_EQ(same_place(topology, 8, 1), (std::vector<Rank>{8, 2, 10, 4, 6, 0}));
  EXPECT_EQ(same_place(topology, 9, 1), (std::vector<Rank>{9, 3, 11, 5, 7, 1}));
  EXPECT_EQ(same_place(topology, 8, 1, Middle::left_out), (std::vector<Rank>{8, 10, 0, 2, 4, 6}));
  EXPECT_EQ(same_place(topology, 8, 3), (std::vector<Rank>{8}));
}

TEST(Levels, LeaveOutPodsThatDifferInSize) {
  const Topology topology =
      Topology::from_tiers({{"node", {0, 0, 1, 1, 2, 2}}, {"pod", {0, 0, 1, 1, 1, 1}}});
  ASSERT_TRUE(has_levels(topology));
  EXPECT_EQ(members(topology, 3), (Members{{2, 3}, {1, 3, 5}}));
}

TEST(Levels, DoNotExistForUnevenNodes) {
  EXPECT_FALSE(has_levels(Topology::from_nodes({0, 0, 1})));
  EXPECT_TRUE(has_levels(Topology::from_nodes({0, 1, 0, 1})));
}

TEST(Levels, OfPackagesAreBelowTheNodes) {
  EXPECT_EQ(members(Topology::from_text("2 nodes x 2 packages x 2"), 5),
            (Members{{4, 5}, {5, 7}, {1, 5}}));
}

}  // namespace
}  // namespace motet
