#include <gmock/gmock.h>

#include "schedule/builder.hpp"

namespace motet {
namespace {

using testing::ElementsAre;

Schedule sample() {
  const Topology topology = Topology::single_node(2);
  const Problem p{.topology = topology,
                  .collective = Collective::allreduce,
                  .parts = Parts::even(5, 2),
                  .params = {}};
  ScheduleBuilder b(p, 0);
  b.recv(1, b.output());                       // 0: five elements
  b.send(1, b.output());                       // 1: block by block
  b.copy(b.scratch(1), b.output().sub(4, 1));  // 2: one element, after all of 1
  return b.finish();
}

std::vector<Dependency> dependencies(const Schedule& schedule, std::size_t step) {
  const auto found = schedule.dependencies_of(schedule.steps.at(step));
  return {found.begin(), found.end()};
}

TEST(Blocks, OneBlockIsTheScheduleItself) {
  EXPECT_EQ(blocks(sample(), 1), sample());
}

TEST(Blocks, FollowBlockByBlockWhereSlicesAreEqualAndWholeElsewhere) {
  const Schedule split = blocks(sample(), 2);
  ASSERT_EQ(split.steps.size(), 5U);
  EXPECT_EQ(split.steps[1].dst, (Slice{Buffer::output, 3, 2}));
  EXPECT_THAT(dependencies(split, 3), ElementsAre(Dependency{1, true}));
  EXPECT_THAT(dependencies(split, 4), ElementsAre(Dependency{2, false}, Dependency{3, false}));
}

TEST(Blocks, ThereAreNoEmptyOnes) {
  const Schedule split = blocks(sample(), 9);
  EXPECT_EQ(split.steps.size(), 11U);
  for (const Step& step : split.steps) EXPECT_EQ(step.count(), 1U);
}

TEST(Blocks, OfBlocksAreBlocks) {
  const Schedule twice = blocks(blocks(sample(), 2), 2);
  EXPECT_EQ(twice.steps.size(), 9U);
  EXPECT_THAT(dependencies(twice, 7), ElementsAre(Dependency{3, true}));
}

}  // namespace
}  // namespace motet
