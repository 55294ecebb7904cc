#include "topology/flow/forest.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "topology/flow/bound.hpp"
#include "topology/flow/max_flow.hpp"

namespace motet {
namespace {

Fabric installed(const std::string& name, int nodes) {
  std::ifstream file(std::string(MOTET_FABRICS) + "/" + name + ".fabric");
  std::stringstream text;
  text << file.rdbuf();
  const std::vector<std::string> settings{"nodes=" + std::to_string(nodes)};
  return Fabric::from_text(text.str(), settings);
}

double optimum(const Fabric& fabric) {
  return bound(fabric, Collective::allgather).algbw().bytes_per_second;
}

// Every root's pieces once, each in a tree that reaches everybody from it.
void expect_spanning(const Fabric& fabric, const Forest& forest) {
  std::vector<int> pieces(fabric.world_size(), 0);
  for (const Tree& tree : forest.trees) {
    EXPECT_EQ(tree.first_piece, pieces[tree.root]);
    pieces[tree.root] += tree.pieces;
    ASSERT_EQ(tree.order.size(), static_cast<std::size_t>(fabric.world_size()));
    EXPECT_EQ(tree.order.front(), tree.root);
    std::vector<bool> reached(fabric.world_size(), false);
    for (const Rank rank : tree.order) {
      EXPECT_FALSE(reached[rank]);
      reached[rank] = true;
      if (rank == tree.root) continue;
      EXPECT_TRUE(reached[tree.parent[rank]]);
      EXPECT_EQ(tree.depth[rank], tree.depth[tree.parent[rank]] + 1);
    }
  }
  for (const int count : pieces) EXPECT_EQ(count, forest.pieces);
}

struct Known {
  const char* name;
  int nodes;
};

class ForestOf : public testing::TestWithParam<Known> {};

TEST_P(ForestOf, ReachesTheBound) {
  const Fabric fabric = installed(GetParam().name, GetParam().nodes);
  const Forest forest = pack_forest(fabric);
  expect_spanning(fabric, forest);
  EXPECT_NEAR(forest.algbw.bytes_per_second / optimum(fabric), 1, 1e-9);
}

TEST_P(ForestOf, NearlyReachesItWithFewTrees) {
  const Fabric fabric = installed(GetParam().name, GetParam().nodes);
  for (const int trees : {1, 3}) {
    const Forest forest = pack_forest(fabric, trees);
    EXPECT_EQ(forest.pieces, trees);
    expect_spanning(fabric, forest);
    EXPECT_GT(forest.algbw.bytes_per_second / optimum(fabric), 0.75);
    EXPECT_LT(forest.algbw.bytes_per_second / optimum(fabric), 1 + 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Installed, ForestOf,
                         testing::Values(Known{"atlas900", 1}, Known{"atlas900", 2},
                                         Known{"dgx-a100", 2}, Known{"dgx-h100", 2},
                                         Known{"ndv2", 2}, Known{"dgx2", 2}, Known{"mi250", 2}),
                         [](const auto& known) {
                           std::string name = known.param.name + std::string("_x") +
                                              std::to_string(known.param.nodes);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Forest, NeedsLinksAndNotTooManyRanks) {
  const Fabric apart =
      Fabric::from_text("fabric apart\nranks 2 nodes x 2\nclass a 1 GB/s 1 us\nmesh node a\n");
  EXPECT_THROW(pack_forest(apart), Error);
  EXPECT_THROW(pack_forest(installed("atlas900", 17)), Error);
}

TEST(Forest, OfOddBandwidthsTakesAFewTrees) {
  const Fabric odd = Fabric::from_text(
      "fabric odd\nranks 2 nodes x 3\nclass a 11.739582467 GB/s 1 us\n"
      "class b 3.14159265359 GB/s 1 us\nswitch node a\nswitch world b\n");
  const Forest forest = pack_forest(odd);
  EXPECT_EQ(forest.pieces, 64);
  EXPECT_GT(forest.algbw.bytes_per_second / optimum(odd), 0.98);
}

// ---- maximum flows

TEST(MaxFlow, EqualsTheLeastCut) {
  std::mt19937 random(5);
  constexpr int vertices = 7;
  for (int round = 0; round < 200; ++round) {
    MaxFlow<std::int64_t> flow(vertices);
    std::vector<std::vector<std::int64_t>> capacity(vertices, std::vector<std::int64_t>(vertices));
    for (int i = 0; i < 20; ++i) {
      const int from = static_cast<int>(random() % vertices);
      const int to = static_cast<int>(random() % vertices);
      if (from == to) continue;
      const std::int64_t amount = random() % 20;
      flow.add(from, to, amount);
      capacity[from][to] += amount;
    }
    std::int64_t least = MaxFlow<std::int64_t>::unbounded;
    for (unsigned set = 0; set < 1U << vertices; ++set) {
      const auto inside = [&](int vertex) { return (set >> vertex & 1U) != 0; };
      if (!inside(0) || inside(1)) continue;
      std::int64_t cut = 0;
      for (int from = 0; from < vertices; ++from) {
        for (int to = 0; to < vertices; ++to) {
          if (inside(from) && !inside(to)) cut += capacity[from][to];
        }
      }
      least = std::min(least, cut);
    }
    EXPECT_EQ(flow.run(0, 1), least);
    EXPECT_EQ(flow.run(0, 1, least / 2), least / 2) << "as much as is enough";
    EXPECT_EQ(flow.run(0, 1), least) << "starts anew";
  }
}

}  // namespace
}  // namespace motet
