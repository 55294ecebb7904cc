#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "problems.hpp"
#include "topology/fabric.hpp"
#include "verify/verify.hpp"

namespace motet {
namespace {

Fabric installed(const std::string& name, const std::vector<std::string>& settings = {}) {
  std::ifstream file(std::string(MOTET_FABRICS) + "/" + name + ".fabric");
  std::stringstream text;
  text << file.rdbuf();
  return Fabric::from_text(text.str(), settings);
}

const Collective collectives[] = {Collective::allgather, Collective::reduce_scatter,
                                  Collective::allreduce};

struct Named {
  std::string name;
  Fabric fabric;
};

std::vector<Named> fabrics() {
  std::vector<Named> all;
  const auto text = [&](const std::string& name, const std::string& lines) {
    all.push_back({name, Fabric::from_text("fabric " + name + "\n" + lines)});
  };
  text("one", "ranks 1");
  text("pair", "ranks 2\nclass a 1 GB/s 1 us\nmesh node a");
  text("star_of_five", "ranks 5\nclass a 3 GB/s 1 us\nswitch node a");
  text("ring_of_four",
       "ranks 4\nclass a 1 GB/s 1 us\nedge node 0-1 a\nedge node 1-2 a x 2\nedge node 2-3 a\n"
       "edge node 0-3 a x 3");
  text("uneven",
       "rank 0: node a\nrank 1: node b\nrank 2: node b\nrank 3: node b\nclass a 7 GB/s 1 us\n"
       "class b 2 GB/s 1 us\nmesh node a\nswitch world b");
  text("rails",
       "ranks 2 nodes x 3\nclass a 5 GB/s 1 us\nclass b 2 GB/s 1 us\nswitch node a\nrails world b\n"
       "switch world b of world x 2");
  for (const int nodes : {1, 2}) {
    const std::vector<std::string> settings{"nodes=" + std::to_string(nodes)};
    all.push_back({"atlas900_" + std::to_string(nodes), installed("atlas900", settings)});
  }
  all.push_back({"ndv2", installed("ndv2")});
  return all;
}

class ForestOn : public testing::TestWithParam<Named> {};

TEST_P(ForestOn, IsVerified) {
  const Fabric& fabric = GetParam().fabric;
  const Shape shape{GetParam().name, fabric.topology(), &fabric};
  int verified = 0;
  for (const Collective collective : collectives) {
    const Algorithm& forest = *find_algorithm(collective, "forest");
    for_each_case(forest, shape, [&](const Case& one) {
      ++verified;
      const std::vector<Schedule> whole = build_all(forest, one.problem);
      ASSERT_EQ(verify(one.problem, whole), "") << one.name();
      for (const int b : {2, 3}) {
        std::vector<Schedule> cut;
        for (const Schedule& schedule : whole) cut.push_back(blocks(schedule, b));
        ASSERT_EQ(verify(one.problem, cut), "") << one.name() << " in blocks";
      }
    });
  }
  EXPECT_GT(verified, 100);
}

TEST(Forest, NeedsTheFabricOfTheseVeryRanks) {
  const Fabric fabric = installed("ndv2");
  const Topology part = Topology::single_node(8);
  for (const Collective collective : collectives) {
    Problem problem{.topology = part,
                    .collective = collective,
                    .parts = Parts::even(8, 8),
                    .params = {},
                    .fabric = nullptr};
    const Algorithm& forest = *find_algorithm(collective, "forest");
    EXPECT_FALSE(forest.supports(problem));
    problem.fabric = &fabric;
    EXPECT_FALSE(forest.supports(problem));
  }
}

TEST(Forest, OfOneRankSchedulesDoNotDependOnWhatWasBuiltBefore) {
  const Fabric fabric = installed("ndv2");
  const Fabric other = installed("dgx-a100");
  const auto build = [](const Fabric& on, Rank rank) {
    const Problem problem{.topology = on.topology(),
                          .collective = Collective::allgather,
                          .parts = Parts::even(160, 16),
                          .params = {},
                          .fabric = &on};
    return build_schedule(*find_algorithm(Collective::allgather, "forest"), problem, rank);
  };
  const Schedule first = build(fabric, 3);
  EXPECT_NE(build(other, 3), first);
  EXPECT_EQ(build(fabric, 3), first);
}

// A node alone is not joined, or has links that lead out of it, or is unlike the others.
TEST(Forest, OfManyRanksNeedsNodesThatAreJoinedWithin) {
  for (const char* text : {"ranks 43 nodes x 3\nclass b 2 GB/s 1 us\nswitch world b",
                           "ranks 43 nodes x 3\nclass b 2 GB/s 1 us\nswitch node b\n"
                           "switch world b\nedge world 0-5 b",
                           "ranks 43 nodes x 3\nclass b 2 GB/s 1 us\nclass c 1 GB/s 1 us\n"
                           "switch node b, 70 c\nswitch world b"}) {
    const Fabric fabric = Fabric::from_text(std::string("fabric many\n") + text);
    const Problem problem{.topology = fabric.topology(),
                          .collective = Collective::allreduce,
                          .parts = Parts::even(129, 129),
                          .params = {},
                          .fabric = &fabric};
    EXPECT_FALSE(find_algorithm(Collective::allreduce, "forest")->supports(problem));
  }
}

INSTANTIATE_TEST_SUITE_P(Fabrics, ForestOn, testing::ValuesIn(fabrics()),
                         [](const auto& shape) { return shape.param.name; });

}  // namespace
}  // namespace motet
