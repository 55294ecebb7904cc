#include "topology/topology.hpp"

#include <gmock/gmock.h>

namespace motet {
namespace {

using testing::ElementsAre;

TEST(Topology, OneNodeHoldsEverybody) {
  const Topology topology = Topology::single_node(3);
  EXPECT_EQ(topology.world_size(), 3);
  EXPECT_EQ(topology.node_count(), 1);
  EXPECT_THAT(topology.node(1).members(), ElementsAre(0, 1, 2));
  EXPECT_THAT(topology.rail(1).members(), ElementsAre(1));
  EXPECT_EQ(topology.tiers().back().name, "world");
}

TEST(Topology, NodesAreNumberedByTheirFirstRankWhateverTheLabels) {
  const Topology topology = Topology::from_nodes({9, -3, 9, 5});
  EXPECT_EQ(topology.node_count(), 3);
  EXPECT_THAT(topology.tiers()[0].group_of, ElementsAre(0, 1, 0, 2));
  EXPECT_EQ(topology, Topology::from_nodes({0, 1, 0, 2}));
}

TEST(Topology, RailsJoinEqualLocalRanksAndSkipSmallNodes) {
  const Topology topology = Topology::from_nodes({0, 1, 0, 1, 0, 2, 2, 2});
  EXPECT_EQ(topology.local_rank(4), 2);
  EXPECT_THAT(topology.rail(0).members(), ElementsAre(0, 1, 5));
  EXPECT_THAT(topology.rail(6).members(), ElementsAre(2, 3, 6));
  EXPECT_THAT(topology.rail(7).members(), ElementsAre(4, 7));
}

TEST(Topology, RailsFollowTheOrderOfNodesNotOfRanks) {
  const Topology topology = Topology::from_nodes({0, 1, 1, 0});
  EXPECT_THAT(topology.rail(2).members(), ElementsAre(3, 2));
}

TEST(Topology, TiersGiveTheGroupIAmIn) {
  const Topology topology = Topology::from_text("2 pods x 2 nodes x 3");
  EXPECT_THAT(topology.tier(0, 4).members(), ElementsAre(3, 4, 5));
  EXPECT_THAT(topology.tier(1, 4).members(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(topology.tier(2, 4), topology.world(4));
}

TEST(Topology, GroupsKnowTheirMembersAndSubgroups) {
  const Topology topology = Topology::from_text("2 pods x 2 nodes x 2").subset({6, 0, 2, 7, 1, 4});
  EXPECT_THAT(topology.members(0, 1), ElementsAre(1, 4));
  EXPECT_THAT(topology.members(1, 0), ElementsAre(0, 3, 5));
  EXPECT_THAT(topology.subgroups(0, 1), ElementsAre(1, 4));
  EXPECT_THAT(topology.subgroups(1, 0), ElementsAre(0, 3));
  EXPECT_THAT(topology.subgroups(1, 1), ElementsAre(1, 2));
  EXPECT_THAT(topology.subgroups(2, 0), ElementsAre(0, 1));
}

TEST(Topology, KnowsWhichTiersAreUniform) {
  const Topology uneven = Topology::from_nodes({0, 0, 1});
  EXPECT_FALSE(uneven.uniform(0));
  EXPECT_TRUE(uneven.uniform(1));
  EXPECT_TRUE(Topology::from_text("3 nodes x 2").uniform(0));
  EXPECT_FALSE(uneven.uniform_nodes());
}

TEST(Topology, SubsetRenumbersRanksAndNodes) {
  const Topology sub = Topology::from_text("2 pods x 2 nodes x 2").subset({6, 1, 7, 3});
  EXPECT_EQ(sub.world_size(), 4);
  EXPECT_THAT(sub.tiers()[0].group_of, ElementsAre(0, 1, 0, 2));
  EXPECT_THAT(sub.tiers()[1].group_of, ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(sub.node_of(3), 2);
}

}  // namespace
}  // namespace motet
