#include "schedule/builder.hpp"

#include <gmock/gmock.h>

namespace motet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Building : testing::Test {
  Problem problem(Collective collective, std::size_t total, bool in_place = false) const {
    return {.topology = topology,
            .collective = collective,
            .parts = Parts::even(total, topology.world_size()),
            .in_place = in_place,
            .params = {}};
  }

  Topology topology = Topology::single_node(4);
};

std::vector<Dependency> dependencies(const Schedule& schedule, std::size_t step) {
  const auto found = schedule.dependencies_of(schedule.steps.at(step));
  return {found.begin(), found.end()};
}

TEST_F(Building, OrdersExactlyWhatTouchesTheSameElements) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 0);
  const Slice low = b.output().piece(0, 2);
  const Slice high = b.output().piece(1, 2);
  b.recv(1, low);
  b.recv(2, high);
  b.send(3, low);
  b.send(3, b.output());
  b.copy(b.input(), b.output());
  const Schedule schedule = b.finish();
  EXPECT_THAT(dependencies(schedule, 1), IsEmpty());
  EXPECT_THAT(dependencies(schedule, 2), ElementsAre(Dependency{0, true}));
  EXPECT_THAT(dependencies(schedule, 3), ElementsAre(Dependency{0, false}, Dependency{1, false}));
  EXPECT_THAT(dependencies(schedule, 4), ElementsAre(Dependency{2, false}, Dependency{3, true}));
}

TEST_F(Building, RecvReduceReadsItsSourceAndWritesItsDestination) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 0);
  const Slice other = b.scratch(8);
  b.recv(1, b.output());
  b.send(2, other);
  b.recv_reduce(3, b.output(), other);
  b.reduce(other, b.output());
  const Schedule schedule = b.finish();
  EXPECT_THAT(dependencies(schedule, 2), ElementsAre(Dependency{0, true}, Dependency{1, true}));
  // What wrote the output first is implied: step 2 read it.
  EXPECT_THAT(dependencies(schedule, 3), ElementsAre(Dependency{2, true}));
}

TEST_F(Building, OnePairOfUnequalSlicesMakesADependencyWhole) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 0);
  const Slice half = b.output().piece(0, 2);
  b.copy(b.input(), b.output());
  b.reduce(b.scratch(4), half);
  EXPECT_THAT(dependencies(b.finish(), 1), ElementsAre(Dependency{0, false}));
}

TEST_F(Building, InPlaceCopiesAndEmptySlicesVanish) {
  const Problem p = problem(Collective::allreduce, 3, true);
  ScheduleBuilder b(p, 3);
  EXPECT_EQ(b.input(), b.output());
  b.copy(b.input(), b.output());
  b.send(0, b.part(b.output(), 3));  // three elements among four ranks
  b.recv_reduce(1, b.part(b.input(), 3), b.part(b.output(), 3));
  EXPECT_TRUE(b.finish().steps.empty());
}

TEST_F(Building, PartsAreRunsOfTheWhole) {
  const Problem p = problem(Collective::allgather, 10);
  const ScheduleBuilder b(p, 1);
  EXPECT_EQ(b.input(), (Slice{Buffer::input, 0, 3}));
  EXPECT_EQ(b.part(b.output(), 1), (Slice{Buffer::output, 3, 3}));
  EXPECT_EQ(b.part(b.output(), 1, 3), (Slice{Buffer::output, 3, 7}));
  EXPECT_TRUE(b.part(b.output(), 4, 0).empty());
}

TEST_F(Building, ScratchIsNeverHandedOutTwice) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 0);
  const Slice first = b.scratch(3);
  EXPECT_FALSE(first.overlaps(b.scratch(4)));
  EXPECT_EQ(b.finish().scratch_count, 7U);
}

TEST_F(Building, WorkspaceHoldsTheContribution) {
  const auto space = [&](Collective collective, bool in_place, std::size_t copies) {
    const Problem p = problem(collective, 8, in_place);
    ScheduleBuilder b(p, 1);
    const Slice found = b.workspace();
    EXPECT_EQ(b.finish().steps.size(), copies);
    return found.buffer;
  };
  EXPECT_EQ(space(Collective::allreduce, false, 1), Buffer::output);
  EXPECT_EQ(space(Collective::allreduce, true, 0), Buffer::output);
  EXPECT_EQ(space(Collective::allgather, false, 1), Buffer::output);
  EXPECT_EQ(space(Collective::reduce_scatter, true, 0), Buffer::input);
  EXPECT_EQ(space(Collective::reduce_scatter, false, 1), Buffer::scratch);
  EXPECT_EQ(space(Collective::reduce, true, 1), Buffer::scratch);  // rank 1 is not the root
  EXPECT_EQ(space(Collective::broadcast, true, 0), Buffer::output);
}

TEST_F(Building, FinishLeavesTheBuilderEmpty) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 0);
  b.recv(1, b.output());
  b.finish();
  b.send(1, b.output());
  const Schedule second = b.finish();
  ASSERT_EQ(second.steps.size(), 1U);
  EXPECT_THAT(dependencies(second, 0), IsEmpty());
}

// 2(n-1) rounds of one part each: linear in steps, whatever the number of parts.
TEST(BuilderScale, RingOfFourThousandRanksVisitsAFewRunsPerStep) {
  constexpr int n = 4096;
  const Topology topology = Topology::single_node(n);
  const Problem p{.topology = topology,
                  .collective = Collective::allreduce,
                  .parts = Parts::even(10 * n + 7, n),
                  .params = {}};
  const Rank me = 17;
  ScheduleBuilder b(p, me);
  const auto part = [&](int i) { return b.part(b.output(), (i + 2 * n) % n); };
  b.copy(b.input(), b.output());
  for (int i = 0; i + 1 < n; ++i) {
    b.send(me + 1, part(me - i));
    b.recv_reduce(me - 1, part(me - i - 1), part(me - i - 1));
  }
  for (int i = 0; i + 1 < n; ++i) {
    b.send(me + 1, part(me + 1 - i));
    b.recv(me - 1, part(me - i));
  }
  const std::size_t visited = b.runs_visited();
  const Schedule schedule = b.finish();
  EXPECT_EQ(schedule.steps.size(), 4U * (n - 1) + 1);
  EXPECT_LT(visited, 8 * schedule.steps.size());
  EXPECT_LT(schedule.dependencies.size(), 2 * schedule.steps.size());
}

using BuildingDeathTest = Building;

TEST_F(BuildingDeathTest, NobodySendsToHimself) {
  const Problem p = problem(Collective::allreduce, 8);
  ScheduleBuilder b(p, 2);
  EXPECT_DEATH(b.send(2, b.output()), "does not send to itself");
  EXPECT_DEATH(b.recv(4, b.output()), "peers are ranks");
  EXPECT_DEATH(b.copy(b.input(), b.output().piece(0, 2)), "equally long");
}

}  // namespace
}  // namespace motet
