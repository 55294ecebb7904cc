// Correct schedules pass, in all their shapes.
#include "verify/verify.hpp"

#include <gtest/gtest.h>

#include "examples.hpp"

namespace motet {
namespace {

void expect_proved(const Problem& p, const std::vector<Schedule>& schedules) {
  EXPECT_EQ(verify(p, schedules), "");
  for (const int b : {2, 3, 5}) EXPECT_EQ(verify(p, blocks(schedules, b)), "") << b << " blocks";
}

TEST(Verify, ProvesTheRing) {
  for (const int n : {1, 2, 3, 5, 8}) {
    for (const std::size_t total : {0, 1, 7, 61}) {
      for (const bool in_place : {false, true}) {
        const Problem p = problem(Collective::allreduce, n, total, in_place);
        expect_proved(p, ring_allreduce(p));
      }
    }
  }
}

TEST(Verify, ProvesTheMeshWithoutCommutativity) {
  for (const bool in_place : {false, true}) {
    Problem p = problem(Collective::allreduce, 5, 13, in_place);
    p.commutative = false;
    expect_proved(p, mesh_allreduce(p));
  }
}

TEST(Verify, ProvesAllgatherOfUnevenParts) {
  for (const bool in_place : {false, true}) {
    Problem p = problem(Collective::allgather, 4, 0, in_place);
    p.parts = Parts::each(std::vector<std::size_t>{3, 0, 5, 1});
    expect_proved(p, mesh_allgather(p));
  }
}

TEST(Verify, ProvesReduceScatterInPlaceWhichLosesItsInput) {
  const Problem p = problem(Collective::reduce_scatter, 3, 7, true);
  expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                  const Group ring = p.topology.world(me);
                  const Slice all = b.workspace();
                  for (int i = 1; i < ring.size(); ++i) {
                    const Slice coming = b.part(all, ring.at(me - i - 1));
                    b.send(ring.right(), b.part(all, ring.at(me - i)));
                    b.recv_reduce(ring.left(), coming, coming);
                  }
                }));
}

TEST(Verify, ProvesRootedCollectives) {
  for (const bool in_place : {false, true}) {
    Problem p = problem(Collective::broadcast, 3, 5, in_place);
    p.root = 1;
    expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                    if (me != 1) return b.recv(1, b.output());
                    b.copy(b.input(), b.output());
                    b.send(0, b.output());
                    b.send(2, b.output());
                  }));
    p.collective = Collective::scatter;
    expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                    if (me != 1) return b.recv(1, b.output());
                    b.copy(b.part(b.input(), 1), b.output());
                    b.send(0, b.part(b.input(), 0));
                    b.send(2, b.part(b.input(), 2));
                  }));
    p.collective = Collective::gather;
    expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                    if (me != 1) return b.send(1, b.input());
                    b.copy(b.input(), b.part(b.output(), 1));
                    b.recv(0, b.part(b.output(), 0));
                    b.recv(2, b.part(b.output(), 2));
                  }));
    p.collective = Collective::reduce;
    expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                    if (me != 1) return b.send(1, b.input());
                    b.recv_reduce(0, b.input(), b.output());
                    b.recv_reduce(2, b.output(), b.output());
                  }));
  }
}

TEST(Verify, ProvesAlltoall) {
  Problem p = problem(Collective::alltoall, 3, 6);
  expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                  const Group world = p.topology.world(me);
                  b.copy(b.part(b.input(), me), b.part(b.output(), me));
                  for (const Rank to : {world.right(), world.left()}) {
                    b.send(to, b.part(b.input(), to));
                    b.recv(to, b.part(b.output(), to));
                  }
                }));
  p.parts = Parts::even(7, 3);
  EXPECT_EQ(verify(p, std::vector<Schedule>(3)), "alltoall with uneven parts");
}

TEST(Verify, ProvesSendAndRecvBetweenTheRootAndItsPartner) {
  for (const Collective collective : {Collective::send, Collective::recv}) {
    Problem p = problem(collective, 4, 6);
    p.root = 3;
    const Rank from = collective == Collective::send ? 1 : 3;
    const Rank to = collective == Collective::send ? 3 : 1;
    expect_proved(p, written(p, [&](Rank me, ScheduleBuilder& b) {
                    if (me == from) b.send(to, b.input());
                    if (me == to) b.recv(from, b.output());
                  }));
  }
}

TEST(Verify, OrderThroughOtherStepsCounts) {
  const Problem p = problem(Collective::broadcast, 1, 8);
  auto schedules = written(p, [](Rank, ScheduleBuilder& b) {
    const Slice sum = b.scratch(8);
    b.copy(b.input(), b.output());
    b.copy(b.output(), sum);
    b.reduce(b.output(), sum);
  });
  ASSERT_EQ(schedules[0].steps[2].dependency_count, 2U);
  drop_order(schedules[0], 2, 0);  // step 1 follows it
  EXPECT_EQ(verify(p, schedules), "");
}

}  // namespace
}  // namespace motet
