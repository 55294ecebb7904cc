#include "topology/flow/bound.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "topology/flow/symmetry.hpp"

namespace motet {
namespace {

using testing::ElementsAre;

Fabric installed(const std::string& name, const std::vector<std::string>& settings = {}) {
  std::ifstream file(std::string(MOTET_FABRICS) + "/" + name + ".fabric");
  std::stringstream text;
  text << file.rdbuf();
  return Fabric::from_text(text.str(), settings);
}

Fabric nodes_of(const std::string& name, int nodes) {
  const std::vector<std::string> settings{"nodes=" + std::to_string(nodes)};
  return installed(name, settings);
}

double allgather_gigabytes(const Fabric& fabric) {
  return bound(fabric, Collective::allgather).algbw().gigabytes_per_second();
}

TEST(Bound, OfAllgatherOnAtlas900) {
  const std::vector<std::pair<int, double>> known{{1, 64.0}, {2, 109.3}, {4, 93.7},
                                                  {8, 87.5}, {16, 84.6}, {128, 82.3}};
  for (const auto& [nodes, gigabytes] : known) {
    const Fabric fabric = nodes_of("atlas900", nodes);
    EXPECT_NEAR(allgather_gigabytes(fabric), gigabytes, 0.05) << nodes;
    const Bound allreduce = bound(fabric, Collective::allreduce);
    EXPECT_NEAR(allreduce.algbw().gigabytes_per_second(), gigabytes / 2, 0.05) << nodes;
  }
  const Bound two = bound(nodes_of("atlas900", 2), Collective::allgather);
  EXPECT_EQ(two.binding, "group 0 (ranks 0-3): 1 pcie + 4 roce");
  EXPECT_EQ(two.numerator, 328'000'000'000);
  EXPECT_EQ(two.denominator, 3);
}

TEST(Bound, OfResNet50sGradientsOn1024Chips) {
  const Bound allreduce = bound(installed("atlas900"), Collective::allreduce);
  EXPECT_NEAR(allreduce.time(25'557'032 * 4.0).count() * 1e3, 2.48, 0.005);
}

// ForestColl's optima, TE-CCL's DGX-2 and NDv2.
TEST(Bound, IsWhatPublicationsFound) {
  EXPECT_NEAR(allgather_gigabytes(installed("dgx-a100")), 346.667, 0.0005);
  EXPECT_NEAR(allgather_gigabytes(installed("mi250")), 354.133, 0.0005);
  const auto ms = [](const std::string& name) {
    return bound(installed(name), Collective::allgather).time(1e9).count() * 1e3;
  };
  EXPECT_DOUBLE_EQ(ms("dgx2"), 7.75);
  EXPECT_DOUBLE_EQ(ms("ndv2"), 40);
}

TEST(Bound, OfNothingIsNoTime) {
  const Fabric alone = Fabric::from_text("fabric alone\nranks 1\n");
  EXPECT_EQ(bound(alone, Collective::allreduce).time(1e9), Seconds{});
  EXPECT_EQ(bound(installed("ndv2"), Collective::barrier).time(0), Seconds{});
  EXPECT_EQ(bound(installed("ndv2"), Collective::allgather).time(0), Seconds{});
}

TEST(Bound, WithoutLinksIsForever) {
  const Fabric apart =
      Fabric::from_text("fabric apart\nranks 2 nodes x 2\nclass a 1 GB/s 1 us\nmesh node a\n");
  for (const Collective collective :
       {Collective::allgather, Collective::broadcast, Collective::scatter, Collective::allreduce,
        Collective::alltoall}) {
    EXPECT_TRUE(std::isinf(bound(apart, collective).time(1).count())) << name(collective);
  }
}

TEST(Bound, OfAbsurdBandwidthsDoesNotOverflow) {
  const Fabric absurd = Fabric::from_text(
      "fabric absurd\nranks 64\nclass a 1000 TB/s 0 us\nclass b 1 B/s 0 us\n"
      "mesh node a x 100\nswitch node b\n");
  const double most = 64 * 100e15;
  EXPECT_NEAR(bound(absurd, Collective::allgather).algbw().bytes_per_second / most, 1, 1e-9);
}

TEST(Bound, OfScatterBindsAtTheRoot) {
  const Bound scatter = bound(nodes_of("atlas900", 2), Collective::scatter, 5);
  EXPECT_NEAR(scatter.algbw().gigabytes_per_second(), 109.333, 0.001);
  EXPECT_THAT(scatter.ranks, ElementsAre(0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15));
}

TEST(Symmetry, LeavesOneRankOfEachKind) {
  EXPECT_THAT(representatives(installed("atlas900")), ElementsAre(0));
  EXPECT_THAT(representatives(nodes_of("atlas900", 2), 5), ElementsAre(0, 4, 5, 8));
  EXPECT_EQ(representatives(installed("mi250")).size(), 16);
  EXPECT_EQ(representatives(installed("dgx-h100")).size(), 8);
}

TEST(Symmetry, TellsGroupsOfOtherSizesApart) {
  const Fabric fabric = Fabric::from_text(
      "fabric uneven\nrank 0: node a\nrank 1: node b\nrank 2: node b\nrank 3: node c\n"
      "rank 4: node c\nclass x 1 GB/s 1 us\nmesh node x\nswitch world x\n");
  EXPECT_THAT(alike(fabric), ElementsAre(0, 1, 1, 1, 1));
  EXPECT_THAT(alike(fabric, 3), ElementsAre(0, 1, 1, 3, 4));
}

TEST(Symmetry, WhereLinksGoByPositionTheOrderOfRanksMatters) {
  // Nodes 0-3 and 4-7 are two packages of two, dealt differently, so rails pair other packages.
  const Fabric fabric = Fabric::from_text(
      "fabric dealt\nrank 0: package a, node a\nrank 1: package a, node a\n"
      "rank 2: package b, node a\nrank 3: package b, node a\nrank 4: package a, node b\n"
      "rank 5: package b, node b\nrank 6: package a, node b\nrank 7: package b, node b\n"
      "class x 1 GB/s 1 us\nmesh package x\nrails world x\nswitch node x\n");
  EXPECT_EQ(representatives(fabric).size(), 8);
}

TEST(Symmetry, ASlowLinkIsAlone) {
  const Fabric fabric = Fabric::from_text(
      "fabric one_slow\nranks 1 node x 4\nclass x 4 GB/s 1 us\nclass half 2 GB/s 1 us\n"
      "switch node x, 2 half\n");
  EXPECT_EQ(representatives(fabric).size(), 4);
  // Of 4 bytes in an allgather 3 must come in over it.
  const Bound slow = bound(fabric, Collective::allgather);
  EXPECT_NEAR(slow.algbw().gigabytes_per_second(), 2 * 4.0 / 3, 1e-6);
}

// docs/fabrics.md
TEST(Bound, OfTheWorkedExample) {
  std::ifstream file(MOTET_EXAMPLE);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("    ")) text += line + "\n";
  }
  const Fabric fabric = Fabric::from_text(text);
  EXPECT_NEAR(allgather_gigabytes(fabric), 266.7, 0.05);
  const auto latency = [&](Rank to) {
    Seconds sum{};
    for (const int link : fabric.route(0, to)) sum += fabric.class_of(fabric.links()[link]).latency;
    return sum.count() * 1e6;
  };
  EXPECT_NEAR(latency(1), 1, 1e-9);
  EXPECT_NEAR(latency(8), 2, 1e-9);
  EXPECT_NEAR(latency(9), 3, 1e-9);
}

// ---- against all cuts there are

struct Worst {
  double allgather = 0, broadcast = 0, scatter = 0;  // seconds for n bytes, n bytes and n bytes
};

Worst by_all_cuts(const Fabric& fabric, Rank root) {
  Worst worst;
  const int n = fabric.world_size();
  for (unsigned set = 1; set < 1U << fabric.vertex_count(); ++set) {
    const auto inside = [&](Vertex vertex) { return (set >> vertex & 1U) != 0; };
    int ranks = 0;
    for (Rank rank = 0; rank < n; ++rank) ranks += inside(rank) ? 1 : 0;
    if (ranks == n) continue;
    double leaving = 0;
    for (const Link& link : fabric.links()) {
      if (inside(link.from) && !inside(link.to)) leaving += fabric.bandwidth(link).bytes_per_second;
    }
    worst.allgather = std::max(worst.allgather, ranks / leaving);
    if (!inside(root)) continue;
    worst.broadcast = std::max(worst.broadcast, n / leaving);
    worst.scatter = std::max(worst.scatter, (n - ranks) / leaving);
  }
  return worst;
}

std::string random_fabric(std::mt19937& random) {
  const auto up_to = [&](unsigned most) { return std::to_string(1 + random() % most); };
  const std::string shapes[] = {
      "ranks 2 nodes x 3",
      "ranks 3 nodes x 2",
      "ranks 2 nodes x 2 groups x 2",
      "ranks 5 nodes x 1",
      "ranks 2 nodes x 4",
      "rank 0: node a\nrank 1: node a\nrank 2: node b\nrank 3: node b\nrank 4: node b",
      "rank 0: node a\nrank 1: node b\nrank 2: node c\nrank 3: node a\nrank 4: node c\n"
      "rank 5: node b\nrank 6: node c"};
  std::string text = "fabric f\n" + shapes[random() % std::size(shapes)] + "\n";
  for (const char* kind : {"a", "b", "c"}) {
    text += std::string("class ") + kind + " " + up_to(9) + " GB/s 1 us\n";
  }
  if (random() % 2 == 0) text += "switch node a x " + up_to(3) + "\nmesh world b of node\n";
  if (random() % 2 == 0) text += "edge node 0-1 c x " + up_to(5) + "\n";
  if (random() % 2 == 0) text += "rails world c\nswitch world b of world\n";
  if (random() % 2 == 0) text += "edge node 0-1 a\n";
  return text + "switch world b\n";
}

TEST(Bound, IsTheWorstOfAllCuts) {
  std::mt19937 random(3);
  int tried = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_fabric(random);
    const Fabric fabric = Fabric::from_text(text);
    if (fabric.vertex_count() > 13) continue;
    ++tried;
    const Rank root = static_cast<Rank>(random() % fabric.world_size());
    const Worst worst = by_all_cuts(fabric, root);
    const double n = fabric.world_size();
    EXPECT_NEAR(bound(fabric, Collective::allgather).time(n) / Seconds(worst.allgather), 1, 1e-12)
        << text;
    EXPECT_NEAR(bound(fabric, Collective::broadcast, root).time(n) / Seconds(worst.broadcast), 1,
                1e-12)
        << text;
    EXPECT_NEAR(bound(fabric, Collective::scatter, root).time(n) / Seconds(worst.scatter), 1, 1e-12)
        << text;
  }
  EXPECT_GT(tried, 100);
}

}  // namespace
}  // namespace motet
