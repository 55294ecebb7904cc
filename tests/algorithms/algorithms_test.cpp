#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "problems.hpp"
#include "verify/verify.hpp"

namespace motet {
namespace {

TEST(Algorithms, HaveOneNamePerCollective) {
  std::set<std::pair<Collective, std::string_view>> names;
  for (const Algorithm& algorithm : algorithms()) {
    EXPECT_TRUE(names.emplace(algorithm.collective, algorithm.name).second) << algorithm.name;
    EXPECT_EQ(find_algorithm(algorithm.collective, algorithm.name)->idea, algorithm.idea);
    EXPECT_FALSE(algorithm.idea.empty());
  }
  EXPECT_EQ(find_algorithm(Collective::allreduce, "no such"), nullptr);
}

TEST(Algorithms, CoverEveryCollectiveOnEveryWorldSize) {
  for (int n = 1; n <= 17; ++n) {
    const Topology topology = Topology::single_node(n);
    for (int i = 0; i < collective_count; ++i) {
      const Problem problem{.topology = topology,
                            .collective = static_cast<Collective>(i),
                            .parts = Parts::even(0, n),
                            .params = {}};
      const auto all = algorithms_for(problem.collective);
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Algorithm* algorithm) {
        return algorithm->supports(problem);
      })) << name(problem.collective);
    }
  }
}

TEST(Algorithms, KeepTheOrderOfOperandsOnEveryWorldSizeAndForEveryRoot) {
  for (int n = 1; n <= 33; ++n) {
    const Topology topology = Topology::single_node(n);
    for (const Collective collective :
         {Collective::allreduce, Collective::reduce, Collective::reduce_scatter}) {
      for (Rank root = 0; root < n; ++root) {
        const Problem problem{.topology = topology,
                              .collective = collective,
                              .parts = Parts::even(61, n),
                              .root = root,
                              .commutative = false,
                              .params = {}};
        const auto all = algorithms_for(collective);
        const auto kept = std::ranges::count_if(
            all, [&](const Algorithm* algorithm) { return algorithm->supports(problem); });
        // Another than the one by which the root gets everything from everybody.
        EXPECT_GE(kept, collective == Collective::reduce_scatter ? 1 : 2)
            << name(collective) << " of " << n << " to " << root;
      }
    }
  }
}

// One problem each on worlds larger than the grid's.
class LargeWorld : public testing::TestWithParam<int> {};

TEST_P(LargeWorld, IsVerified) {
  const int n = GetParam();
  std::vector<Shape> shapes = flat_shape(n);
  if (n % 4 == 0) {
    shapes.push_back({"pods", Topology::from_text(std::to_string(n / 4) + " nodes x 4")});
  }
  for (const Algorithm& algorithm : algorithms()) {
    for (const Shape& shape : shapes) {
      const Problem problem{.topology = shape.topology,
                            .collective = algorithm.collective,
                            .parts = Parts::uniform(1, n),
                            .root = n / 2,
                            .params = {.chunks = 2}};
      const bool pair =
          algorithm.collective == Collective::send || algorithm.collective == Collective::recv;
      for (const bool commutative : {true, false}) {
        Problem asked = problem;
        asked.commutative = commutative;
        if (pair || (!commutative && !reduces(algorithm.collective))) continue;
        if (!algorithm.supports(asked)) continue;
        EXPECT_EQ(verify(asked, build_all(algorithm, asked)), "")
            << Case{algorithm, shape, asked}.name();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, LargeWorld, testing::Values(64, 100, 128));

}  // namespace
}  // namespace motet
