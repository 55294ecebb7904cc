// Every algorithm comes to an end, on both kinds of links, in any number of blocks.
#include <gtest/gtest.h>

#include <algorithm>

#include "cases.hpp"

namespace motet {
namespace {

std::vector<Fabric> fabrics(int n) {
  std::vector<Fabric> all{around_a_switch(n, "reduce 50 GB/s\ncopy 80 GB/s\noverhead 0.1 us")};
  if (n % 4 == 0) all.push_back(nodes_of_groups(n / 4, "reduce 50 GB/s"));
  return all;
}

std::vector<Params> settings(const Uses& uses) {
  std::vector<Params> all{{}};
  if (uses.chunks) all.push_back({.chunks = 3});
  if (uses.channels) all.push_back({.channels = 2});
  if (uses.mover) all.push_back({.mover = Mover::receiver});
  return all;
}

void expect_an_end(const Fabric& fabric, const Algorithm& algorithm, const Problem& problem) {
  for (const LinkModel links : {LinkModel::fifo, LinkModel::max_min}) {
    for (const std::size_t block_bytes : {0, 64}) {
      const Simulation result =
          simulate(fabric, algorithm, problem, {.links = links, .block_bytes = block_bytes});
      ASSERT_EQ(result.finish.size(), static_cast<std::size_t>(fabric.world_size()));
      EXPECT_EQ(result.time, *std::ranges::max_element(result.finish));
      EXPECT_TRUE(fabric.world_size() == 1 || result.time > microseconds(2));
    }
  }
}

class Simulated : public testing::TestWithParam<const Algorithm*> {};

TEST_P(Simulated, ComesToAnEndOnOneToNineRanks) {
  const Algorithm& algorithm = *GetParam();
  for (int n = 1; n <= 9; ++n) {
    if (is_point_to_point(algorithm.collective) && n != 2) continue;
    for (const Fabric& fabric : fabrics(n)) {
      for (const Params& params : settings(algorithm.uses)) {
        Problem problem = problem_on(fabric, algorithm.collective, 100, params);
        if (algorithm.collective == Collective::alltoall) problem.parts = Parts::uniform(17, n);
        if (algorithm.collective == Collective::barrier) problem.parts = Parts::even(0, n);
        if (algorithm.supports(problem)) expect_an_end(fabric, algorithm, problem);
      }
    }
  }
}

std::vector<const Algorithm*> all() {
  std::vector<const Algorithm*> list;
  for (const Algorithm& algorithm : algorithms()) list.push_back(&algorithm);
  return list;
}

INSTANTIATE_TEST_SUITE_P(Everything, Simulated, testing::ValuesIn(all()), [](const auto& its) {
  return fmt::format("{}_{}", name(its.param->collective), its.param->name);
});

}  // namespace
}  // namespace motet
