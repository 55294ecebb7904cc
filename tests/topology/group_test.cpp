#include "topology/group.hpp"

#include <gmock/gmock.h>

namespace motet {
namespace {

using testing::ElementsAre;

TEST(Group, NeighboursWrapAround) {
  const Group group({4, 2, 7}, 4);
  EXPECT_EQ(group.index(), 0);
  EXPECT_EQ(group.left(), 7);
  EXPECT_EQ(group.right(), 2);
  EXPECT_EQ(group.at(-4), 7);
  EXPECT_EQ(group.at(8), 7);
  EXPECT_TRUE(group.first());
  EXPECT_FALSE(group.last());
}

TEST(Group, FindsMembersAndNobodyElse) {
  const Group group({4, 2, 7}, 7);
  EXPECT_EQ(group.index_of(2), 1);
  EXPECT_EQ(group.index_of(3), -1);
  EXPECT_TRUE(group.contains(4));
  EXPECT_FALSE(group.contains(0));
}

TEST(Group, TurnsToStartAtAMember) {
  const Group turned = Group({0, 1, 2, 3}, 1).starting_at(2);
  EXPECT_THAT(turned.members(), ElementsAre(2, 3, 0, 1));
  EXPECT_EQ(turned.index(), 3);
  EXPECT_EQ(turned.me(), 1);
}

TEST(Group, PicksEveryKthMember) {
  const Group picked = Group({0, 1, 2, 3, 4, 5, 6}, 4).every(3, 1);
  EXPECT_THAT(picked.members(), ElementsAre(1, 4));
  EXPECT_EQ(picked.index(), 1);
}

TEST(GroupDeathTest, IsSeenFromAMember) {
  EXPECT_DEATH(Group({0, 1}, 2), "seen from one of its members");
}

}  // namespace
}  // namespace motet
