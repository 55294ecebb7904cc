#include "topology/tiers.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Place {
  int package, numa;
};
std::vector<Seat> seats(const std::vector<Place>& places) {
  std::vector<Seat> all;
  for (const Place& place : places) {
    all.emplace_back();
    all.back().package = place.package;
    all.back().numa = place.numa;
  }
  return all;
}

template <class Act>
std::string complaint(Act&& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(TiersInsideNodes, AreNumaNodeAndPackageWhereRanksAreSpreadOverThem) {
  const auto tiers =
      tiers_inside_nodes({0, 0, 0, 0, 0, 0, 0, 0},
                         seats({{0, 0}, {0, 0}, {0, 1}, {0, 1}, {1, 2}, {1, 2}, {1, 3}, {1, 3}}));
  ASSERT_EQ(tiers.size(), 2);
  EXPECT_EQ(tiers[0].name, "numa");
  EXPECT_THAT(tiers[0].group_of, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
  EXPECT_EQ(tiers[1].name, "package");
  EXPECT_THAT(tiers[1].group_of, ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
}

TEST(TiersInsideNodes, AreNoneWhereTheySayNothing) {
  const std::vector<int> one_node{0, 0, 0, 0};
  EXPECT_THAT(tiers_inside_nodes(one_node, seats({{0, 0}, {0, 0}, {0, 0}, {0, 0}})), IsEmpty());
  // Each rank in a package of its own.
  EXPECT_THAT(tiers_inside_nodes({0, 0}, seats({{0, 0}, {1, 1}})), IsEmpty());
  // One is not bound.
  EXPECT_THAT(tiers_inside_nodes(one_node, seats({{0, 0}, {0, 0}, {1, 1}, {-1, -1}})), IsEmpty());
}

TEST(TiersInsideNodes, LeaveOutNumaNodesThatArePackages) {
  const auto tiers = tiers_inside_nodes({0, 0, 0, 0}, seats({{0, 0}, {0, 0}, {1, 1}, {1, 1}}));
  ASSERT_EQ(tiers.size(), 1);
  EXPECT_EQ(tiers[0].name, "package");
}

TEST(TiersInsideNodes, AreLeftOutWhereTheyDivideRanksUnevenly) {
  const std::vector<Seat> uneven = seats({{0, 0}, {0, 0}, {0, 1}, {0, 1}, {1, 2}, {1, 2}});
  EXPECT_EQ(assemble({0, 0, 0, 0, 0, 0}, uneven, {}).to_text(), "1 nodes x 3 numas x 2");
  const Topology even = Topology::from_text("2 nodes x 2 packages x 2");
  EXPECT_EQ(even.subset({0, 1, 2, 4, 5, 6}).to_text(), "2 nodes x 3");
  EXPECT_EQ(even.subset({0, 2, 4, 6}).to_text(), "2 nodes x 2 packages x 1");
}

TEST(TiersInsideNodes, CountPackagesOfEachNode) {
  const Topology topology =
      assemble({0, 0, 0, 0, 1, 1, 1, 1},
               seats({{0, 0}, {0, 0}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, {1, 1}}), {});
  EXPECT_EQ(topology.to_text(), "2 nodes x 2 packages x 2");
}

TEST(UserTiers, ByHostTakeTheFirstLineThatFits) {
  const UserTiers tiers = read_user_tiers(
      "# leaves and pods\nhosts name=gpu[0-1] switch=leaf0 pod=a\nhosts name=gpu*,spare "
      "switch=leaf1 pod=a\n",
      {"gpu0", "gpu1", "gpu2", "spare"});
  EXPECT_THAT(tiers.inside_nodes, IsEmpty());
  const Topology topology = assemble({0, 1, 2, 3}, seats(std::vector<Place>(4, {-1, -1})), tiers);
  EXPECT_EQ(topology.to_text(), "1 pods x 2 switchs x 2 nodes x 1");
}

TEST(UserTiers, ByRankLeaveNodesToWhatWasFound) {
  const UserTiers tiers = read_user_tiers("2 pods x 2 nodes x 2", std::vector<std::string>(8, "h"));
  const std::vector<Seat> nowhere = seats(std::vector<Place>(8, {-1, -1}));
  EXPECT_EQ(assemble({0, 0, 0, 0, 1, 1, 1, 1}, nowhere, tiers).to_text(), "2 pods x 1 nodes x 4");
  EXPECT_THAT(complaint([&] {
                assemble({0, 0, 0, 0, 0, 0, 0, 0}, nowhere, tiers);
              }),
              HasSubstr("ranks 0 and 4 share a node, and not the pod"));
}

TEST(UserTiers, InsideNodesCountInsteadOfWhereRanksAreBound) {
  const UserTiers tiers =
      read_user_tiers("1 nodes x 2 packages x 2", std::vector<std::string>(4, "h"));
  const Topology topology = assemble({0, 0, 0, 0}, seats(std::vector<Place>(4, {0, 0})), tiers);
  EXPECT_EQ(topology.to_text(), "1 nodes x 2 packages x 2");
}

TEST(UserTiers, ErrorsSayWhereAndWhatWasExpected) {
  const std::vector<std::string> hosts{"alpha"};
  const auto refusal = [&](const char* text) {
    return complaint([&] { read_user_tiers(text, hosts); });
  };
  EXPECT_THAT(refusal("hosts name=beta pod=a"), HasSubstr("fits host \"alpha\""));
  EXPECT_THAT(refusal("hosts name=*"), HasSubstr("line 1, column 1: expected hosts name=PATTERN"));
  EXPECT_THAT(refusal("hosts name=* node=a"),
              HasSubstr("column 14: expected a tier above the nodes"));
  EXPECT_THAT(refusal("hosts name=a pod=a\nhosts name=* site=a"),
              HasSubstr("line 2, column 1: expected the tiers of the first line (pod)"));
  EXPECT_THAT(refusal("hosts name=* 0pod=a"), HasSubstr("column 14: expected the name of a tier"));
  EXPECT_THAT(refusal("2 nodes x 4"), HasSubstr("places 8 ranks, and there are 1"));
  EXPECT_THAT(refusal("rank 1: node 0"), HasSubstr("line 1, column 6"));
}

TEST(HostPatterns, KnowStarsQuestionMarksAndRanges) {
  EXPECT_TRUE(matches("gpu[8-15]", "gpu8"));
  EXPECT_TRUE(matches("gpu[8-15]", "gpu015"));
  EXPECT_FALSE(matches("gpu[8-15]", "gpu16"));
  EXPECT_FALSE(matches("gpu[8-15]", "gpu"));
  EXPECT_TRUE(matches("*-[1-2].site?.*", "a-b-2.siteX.example.org"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "abbbc"));
  EXPECT_FALSE(matches("a*b*c", "abbb"));
  EXPECT_FALSE(matches("alpha", "alphabet"));
  EXPECT_FALSE(matches("alphabet", "alpha"));
  EXPECT_FALSE(matches("gpu[1", "gpu1"));
}

}  // namespace
}  // namespace motet
