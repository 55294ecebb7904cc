#include "topology/fabric.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::ElementsAre;

const std::string atlas = R"(fabric atlas900
ranks 3 nodes x 2 groups x 4
class hccs 30 GB/s 1.5 us
class lane 16 GB/s 0 us
class pcie 32 GB/s 3 us
class roce 12.5 GB/s 2.5 us
mesh group hccs
switch group lane
mesh node pcie of group
switch world roce
reduce 200 GB/s
)";

// "0 -hccs- 1": what a route goes over.
std::vector<std::string> classes_on_route(const Fabric& fabric, Rank from, Rank to) {
  std::vector<std::string> names;
  Vertex at = from;
  for (const int index : fabric.route(from, to)) {
    const Link& link = fabric.links()[index];
    EXPECT_EQ(link.from, at);
    at = link.to;
    names.push_back(fabric.class_of(link).name);
  }
  EXPECT_EQ(at, to);
  return names;
}

TEST(Fabric, DrawsALinkForEveryPairAndToEverySwitch) {
  const Fabric fabric = Fabric::from_text(atlas);
  EXPECT_EQ(fabric.world_size(), 24);
  EXPECT_EQ(fabric.vertex_count(), 24 + 6 + 1);
  EXPECT_EQ(fabric.links().size(), 2 * (6 * 6 + 24 + 3 + 24));
  for (const Link& link : fabric.links()) {
    const Link& back = fabric.links()[link.reverse];
    EXPECT_EQ(back.from, link.to);
    EXPECT_EQ(back.to, link.from);
    EXPECT_EQ(fabric.links()[back.reverse], link);
  }
}

TEST(Fabric, RoutesTakeADirectLinkElseTheLeastLatency) {
  const Fabric fabric = Fabric::from_text(atlas);
  EXPECT_THAT(fabric.route(3, 3), ElementsAre());
  EXPECT_THAT(classes_on_route(fabric, 0, 3), ElementsAre("hccs"));
  EXPECT_THAT(classes_on_route(fabric, 0, 5), ElementsAre("lane", "pcie", "lane"));
  EXPECT_THAT(classes_on_route(fabric, 1, 17), ElementsAre("roce", "roce"));
}

TEST(Fabric, SingleLinksMayBeOfAnotherClass) {
  const std::string text =
      "fabric f\nranks 3 nodes x 2\nclass near 9 GB/s 1 us\nclass nic 2 GB/s 1 us\n"
      "class half 1 GB/s 1 us\nswitch node near, 5 nic\nswitch world nic of node, 1 half\n";
  const Fabric fabric = Fabric::from_text(text);
  EXPECT_THAT(classes_on_route(fabric, 0, 2), ElementsAre("near", "nic", "half", "near"));
  EXPECT_THAT(classes_on_route(fabric, 5, 0), ElementsAre("nic", "nic", "nic", "near"));
  EXPECT_THAT(classes_on_route(fabric, 2, 3), ElementsAre("near", "near"));
  // What joins one node to others is not there when it is alone.
  const std::string few =
      "fabric f\nranks 3 nodes x 2\nclass nic 2 GB/s 1 us\nswitch node nic\n"
      "switch world nic of node, 2 nic\n";
  EXPECT_EQ(Fabric::from_text(few, std::vector<std::string>{"nodes=1"}).vertex_count(), 3);
  EXPECT_THROW(Fabric::from_text(few, std::vector<std::string>{"nodes=2"}), Error);
}

TEST(Fabric, LinksKnowTheInnermostTierThatHoldsBothEnds) {
  const Fabric fabric = Fabric::from_text(atlas + "edge node 0-1 pcie\n");
  std::vector<std::string> seen;
  for (const int index : fabric.leaving(0)) {
    const Link& link = fabric.links()[index];
    seen.push_back(fabric.class_of(link).name + " " + fabric.topology().tiers()[link.tier].name);
  }
  EXPECT_THAT(seen, ElementsAre("hccs group", "pcie group", "hccs group", "hccs group",
                                "lane group", "roce world"));
  EXPECT_EQ(fabric.topology().tiers()[fabric.links()[fabric.route(0, 4)[1]].tier].name, "node");
}

TEST(Fabric, OfParallelLinksTheFastestIsTaken) {
  const Fabric fabric = Fabric::from_text(atlas + "edge node 0-1 pcie x 4\nedge node 0-1 hccs x 2");
  const Link& link = fabric.links()[fabric.route(0, 1).front()];
  EXPECT_EQ(link.parallel, 2);
  EXPECT_EQ(fabric.bandwidth(link), Bandwidth::gigabytes(60));
}

TEST(Fabric, GivesNothingToAGroupWithoutSmallerGroupsToJoin) {
  const std::vector<std::string> one_node{"nodes=1"};
  const Fabric fabric = Fabric::from_text(atlas, one_node);
  EXPECT_EQ(fabric.world_size(), 8);
  EXPECT_EQ(fabric.vertex_count(), 8 + 2);
}

TEST(Fabric, RailsJoinEqualPositionsAndASpineJoinsRails) {
  const Fabric fabric = Fabric::from_text(R"(fabric rails
ranks 4 nodes x 3
class nvlink 450 GB/s 0.5 us
class ib 50 GB/s 1 us
switch node nvlink
rails world ib
switch world ib of world x 2
)");
  EXPECT_EQ(fabric.vertex_count(), 12 + 4 + 3 + 1);
  EXPECT_EQ(fabric.route(0, 9).size(), 2);
  EXPECT_THAT(classes_on_route(fabric, 0, 10), ElementsAre("ib", "ib", "ib", "ib"));
  EXPECT_EQ(fabric.label(fabric.links()[fabric.route(1, 4)[0]].to),
            "ib switch on the rail of rank 1");
  EXPECT_EQ(fabric.label(fabric.links()[fabric.route(3, 4)[0]].to), "nvlink switch of node 1");
}

TEST(Fabric, AWayThatRanksWouldHaveToForwardIsNoRoute) {
  const Fabric fabric = Fabric::from_text(
      "fabric apart\nranks 2 nodes x 2\nclass a 1 GB/s 1 us\nmesh node a\nedge world 0-2 a\n");
  EXPECT_EQ(fabric.route(0, 2).size(), 1);
  EXPECT_THROW(fabric.route(1, 2), Error);
}

TEST(Fabric, TablesAreLinearBetweenRowsAndAsFastAsTheLinkBeyond) {
  const LinkClass tcp{.name = "tcp",
                      .bandwidth = Bandwidth::gigabytes(1),
                      .table = {{1000, microseconds(4)}, {2000, microseconds(8)}}};
  EXPECT_EQ(tcp.occupied(0), microseconds(4));
  EXPECT_EQ(tcp.occupied(1000), microseconds(4));
  EXPECT_NEAR(tcp.occupied(1500).count(), 6e-6, 1e-15);
  EXPECT_NEAR(tcp.occupied(3000).count(), 9e-6, 1e-15);
}

}  // namespace
}  // namespace motet
