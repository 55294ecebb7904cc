#include "algorithms/hierarchy.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "algorithms/list.hpp"

namespace motet {
namespace {

Problem problem(const Topology& topology, const Params& params) {
  return {.topology = topology,
          .collective = Collective::allreduce,
          .parts = Parts::even(1600, topology.world_size()),
          .params = params};
}

TEST(Hierarchy, StrandsCoverASliceOnce) {
  const Topology topology = Topology::from_text("2 pods x 2 nodes x 2");
  const Params params{.chunks = 3, .around_percent = 30};
  const std::vector<Route> both = routes(problem(topology, params), 0);
  const Slice whole{Buffer::output, 5, 101};
  std::vector<Slice> found;
  for (const Strand& strand : strands(params, both)) found.push_back(strand.of(whole));
  std::ranges::sort(found, {}, &Slice::offset);
  std::size_t at = whole.offset;
  for (const Slice& slice : found) {
    EXPECT_EQ(slice.offset, at);
    at = slice.end();
  }
  EXPECT_EQ(at, whole.end());
}

TEST(Hierarchy, NeedsThreeLevelsToGoAround) {
  const Topology two = Topology::from_text("2 nodes x 2");
  EXPECT_TRUE(supports_levels(problem(two, {})));
  EXPECT_FALSE(supports_levels(problem(two, {.around_percent = 10})));
  EXPECT_TRUE(supports_levels(
      problem(Topology::from_text("2 pods x 2 nodes x 2"), {.around_percent = 10})));
  EXPECT_FALSE(supports_levels(problem(Topology::single_node(4), {})));
}

// Elements that rank 0 sends to its fellow in the other package of its node.
std::size_t sent_through_the_middle(int around_percent) {
  const Topology topology = Topology::from_text("8 nodes x 2 packages x 2");
  const Problem asked = problem(topology, {.around_percent = around_percent});
  const Algorithm& algorithm = *find_algorithm(Collective::allreduce, "hierarchical");
  std::size_t sent = 0;
  for (const Step& step : build_schedule(algorithm, asked, 0).steps) {
    if (step.sends() && step.peer == 2) sent += step.count();
  }
  return sent;
}

TEST(Hierarchy, RelievesTheMiddleOfWhatGoesAround) {
  EXPECT_EQ(sent_through_the_middle(0), 800U);
  // In the exchange that leaves packages out they are neighbours: one share of 16.
  EXPECT_EQ(sent_through_the_middle(100), 50U);
}

}  // namespace
}  // namespace motet
