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
      if (pair || !algorithm.supports(problem)) continue;
      EXPECT_EQ(verify(problem, build_all(algorithm, problem)), "")
          << Case{algorithm, shape, problem}.name();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, LargeWorld, testing::Values(64, 100, 128));

}  // namespace
}  // namespace motet
