// SimGrid, which shares links by the same rule but is another program, comes to the same times.
#include <gtest/gtest.h>

#include <cmath>

#include "cases.hpp"
#include "simgrid_run.hpp"

namespace motet {
namespace {

struct Case {
  Collective collective;
  std::string_view algorithm;
  int ranks;
  std::size_t part_count;  // elements that belong to a rank
};

std::string readable(const testing::TestParamInfo<Case>& its) {
  return fmt::format("{}_{}_{}ranks_{}", name(its.param.collective), its.param.algorithm,
                     its.param.ranks, its.param.part_count);
}

// Eight ranks share a way out of their node.
Fabric narrow_nodes(int ranks) {
  return Fabric::from_text(
      fmt::format("fabric narrow\nranks {} nodes x {}\nclass bus 40 GB/s 0.5 us\n"
                  "class net 25 GB/s 1 us\nswitch node bus\nswitch world net of node\n",
                  std::max(1, ranks / 8), std::min(ranks, 8)));
}

class SimGrid : public testing::TestWithParam<Case> {
 protected:
  static void compare(const Fabric& fabric) {
    const Case& its = GetParam();
    const Problem problem =
        problem_on(fabric, its.collective, its.part_count * static_cast<std::size_t>(its.ranks));
    const Algorithm& algorithm = *find_algorithm(its.collective, its.algorithm);
    std::vector<Schedule> schedules;
    for (Rank rank = 0; rank < its.ranks; ++rank) {
      schedules.push_back(build_schedule(algorithm, problem, rank));
    }
    const double theirs = time_by_simgrid(fabric, schedules, problem.element_bytes);
    const double ours =
        simulate(fabric, schedules, problem.element_bytes, {.links = LinkModel::max_min})
            .time.count();
    fmt::print("{}: {:.3f} us, SimGrid {:.3f} us, {:+.2e}\n", fabric.name(), ours * 1e6,
               theirs * 1e6, ours / theirs - 1);
    EXPECT_NEAR(ours, theirs, theirs * 0.01);
  }
};

TEST_P(SimGrid, AgreesAroundASwitch) {
  compare(around_a_switch(GetParam().ranks));
}
TEST_P(SimGrid, AgreesWhereNodesShareAWayOut) {
  // Messages of a channel that are ready at once follow one another here, and share there.
  if (GetParam().algorithm == "ring") GTEST_SKIP() << "SimGrid's channels have no order";
  compare(narrow_nodes(GetParam().ranks));
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [collective, algorithm] : {std::pair{Collective::allreduce, "ring"},
                                              {Collective::allreduce, "halving_doubling"},
                                              {Collective::alltoall, "mesh"}}) {
    for (const int ranks : {2, 16, 64, 256}) all.push_back({collective, algorithm, ranks, 50});
    for (const int ranks : {2, 16, 64}) all.push_back({collective, algorithm, ranks, 20'000});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Oracle, SimGrid, testing::ValuesIn(cases()), readable);

}  // namespace
}  // namespace motet
