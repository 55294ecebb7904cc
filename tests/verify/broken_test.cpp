// Schedules with one thing wrong must fail, and the complaint must say what.
#include <gmock/gmock.h>

#include "examples.hpp"

namespace motet {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Broken : testing::Test {
  Problem p = problem(Collective::allreduce, 4, 8, true);
  std::vector<Schedule> ring = ring_allreduce(p);

  std::string complaint() const { return verify(p, ring); }
  Step& step(Rank rank, std::size_t index) {
    return ring[static_cast<std::size_t>(rank)].steps.at(index);
  }
};

TEST_F(Broken, WrongPart) {
  // The last send of rank 2 takes the part next to the right one: nothing orders it.
  step(2, 10).src = step(2, 8).src;
  EXPECT_THAT(complaint(), AllOf(StartsWith("race"), HasSubstr("rank 2 step")));
  // Where order does not give it away the symbols do.
  const Problem gather = problem(Collective::allgather, 3, 6);
  auto mesh = mesh_allgather(gather);
  std::swap(mesh[1].steps[3].dst, mesh[1].steps[4].dst);
  EXPECT_THAT(
      verify(gather, mesh),
      StartsWith("result: rank 1 output element 0 holds rank 2, element 0; expected rank 0"));
}

TEST_F(Broken, MissingCopy) {
  const Problem gather = problem(Collective::allgather, 3, 6);
  auto mesh = written(gather, [&](Rank me, ScheduleBuilder& b) {
    const Group world = gather.topology.world(me);
    if (me != 2) b.copy(b.input(), b.part(b.output(), me));
    for (int k = 1; k < 3; ++k) b.send(world.at(me + k), b.input());
    for (int k = 1; k < 3; ++k) {
      b.recv(world.at(me - k), b.part(b.output(), world.at(me - k)));
    }
  });
  EXPECT_THAT(verify(gather, mesh),
              StartsWith("result: rank 2 output element 4 holds nothing; expected rank 2"));
}

TEST_F(Broken, ReadsWhatNobodyWrote) {
  const Problem apart = problem(Collective::allreduce, 2, 4);
  const auto schedules = written(apart, [](Rank me, ScheduleBuilder& b) {
    if (me == 1) b.copy(b.input(), b.output());
    b.send(1 - me, b.output());
    b.recv_reduce(1 - me, b.output(), b.output());
  });
  EXPECT_THAT(verify(apart, schedules), HasSubstr("rank 0 step 0 (send to 1: output[0..4)): it "
                                                  "reads element 0, which nobody wrote"));
}

TEST_F(Broken, RecvForRecvReduce) {
  step(1, 1).op = Op::recv;
  step(1, 1).src = {};
  EXPECT_THAT(complaint(),
              AllOf(StartsWith("result: rank "), HasSubstr("expected every rank once")));
}

TEST_F(Broken, ARoundTooMany) {
  const auto extra = [&](Rank me, ScheduleBuilder& b) {
    const Group world = p.topology.world(me);
    for (int i = 0; i < world.size(); ++i) {  // once too often
      b.send(world.right(), b.part(b.output(), world.at(me - i)));
      const Slice coming = b.part(b.output(), world.at(me - i - 1));
      b.recv_reduce(world.left(), coming, coming);
    }
  };
  EXPECT_THAT(verify(p, written(p, extra)), StartsWith("result: "));
  // On one rank alone.
  ScheduleBuilder b(p, 3);
  b.send(0, b.output());
  ring[3].steps.push_back(b.finish().steps.front());
  EXPECT_THAT(complaint(),
              StartsWith("rank 3 step 12 (send to 0: output[0..8)): nobody receives it"));
}

TEST_F(Broken, WrongPeer) {
  step(0, 0).peer = 2;
  EXPECT_THAT(complaint(), StartsWith("rank 1 step 11 (recv from 0: output[6..8)): nobody sends"));
  step(0, 0).peer = 0;
  EXPECT_THAT(complaint(),
              HasSubstr("rank 0 step 0 (send to 0: output[0..2)): there is no such peer"));
  step(0, 0).peer = 4;
  EXPECT_THAT(complaint(), HasSubstr("there is no such peer"));
}

TEST_F(Broken, MissingSender) {
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    if (me == 2) b.recv(1, b.output());
  });
  EXPECT_THAT(verify(p, schedules), StartsWith("rank 2 step 0 (recv from 1: output[0..8)): nobody "
                                               "sends it"));
}

TEST_F(Broken, DroppedWriteAfterRead) {
  // Rank 1 forwards part 0 in step 2 and receives its total into it in a later one.
  const auto& steps = ring[1].steps;
  std::size_t later = 0;
  while (steps[later].op != Op::recv) ++later;
  const std::uint32_t earlier = ring[1].dependencies_of(steps[later]).front().step;
  ASSERT_EQ(steps[earlier].op, Op::send);
  drop_order(ring[1], later, earlier);
  EXPECT_THAT(complaint(),
              AllOf(StartsWith("race: rank 1 step " + std::to_string(later)),
                    HasSubstr("conflicts with rank 1 step " + std::to_string(earlier))));
}

TEST_F(Broken, DroppedReadAfterWrite) {
  drop_order(ring[0], 2, 1);
  EXPECT_THAT(complaint(), StartsWith("race: rank 0 step 2"));
}

TEST_F(Broken, BlockwiseWhereSlicesDiffer) {
  const Problem one = problem(Collective::broadcast, 1, 8);
  auto schedules = written(one, [](Rank, ScheduleBuilder& b) {
    b.copy(b.input(), b.output());
    b.copy(b.output().piece(0, 2), b.scratch(4));
  });
  EXPECT_EQ(verify(one, schedules), "");
  schedules[0].dependencies[0].blockwise = true;
  EXPECT_THAT(verify(one, schedules), HasSubstr("block by block, but their slices differ"));
}

TEST_F(Broken, UnequalSlicesOrderedThroughBlockwiseStepsOnly) {
  // Step 3 overwrites what step 1 reads, shifted: behind its block j, where all of it would be
  // needed.
  const Problem one = problem(Collective::broadcast, 1, 12);
  auto schedules = written(one, [](Rank, ScheduleBuilder& b) {
    const Slice first = b.scratch(8);
    const Slice second = b.scratch(8);
    b.copy(b.input().sub(0, 8), b.output().sub(0, 8));
    b.copy(b.output().sub(0, 8), first);
    b.copy(first, second);
    b.copy(second, b.output().sub(4, 8));
  });
  EXPECT_THAT(verify(one, schedules), StartsWith("result: "));
  drop_order(schedules[0], 3, 1);
  EXPECT_THAT(verify(one, schedules),
              AllOf(StartsWith("race: rank 0 step 3"), HasSubstr("with rank 0 step ")));
}

TEST_F(Broken, MoversThatDisagree) {
  step(3, 0).mover = Mover::receiver;
  EXPECT_THAT(complaint(), HasSubstr("their movers differ"));
}

TEST_F(Broken, CountsThatDisagree) {
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    if (me == 3) b.send(2, b.output().sub(0, 3));
    if (me == 2) b.recv(3, b.output().sub(0, 4));
  });
  EXPECT_EQ(verify(p, schedules),
            "rank 3 step 0 (send to 2: output[0..3)) meets rank 2 step 0 (recv from 3: "
            "output[0..4)): their counts differ");
}

TEST_F(Broken, ContributionTwice) {
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    const Slice own = b.scratch(8);
    b.copy(b.input(), own);
    for (Rank peer = 0; peer < 4; ++peer) {
      if (peer == me) continue;
      b.send(peer, own);
    }
    for (Rank peer = 0; peer < 4; ++peer) {
      if (peer != me) b.recv_reduce(peer, b.output(), b.output());
    }
    if (me == 1) b.reduce(own, b.output());
  });
  EXPECT_THAT(verify(p, schedules),
              AllOf(StartsWith("result: rank 1 output element 0"), HasSubstr("every rank once")));
}

TEST_F(Broken, RanksThatCombineInDifferentOrders) {
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    const Slice own = b.scratch(8);
    b.copy(b.input(), own);
    for (int k = 1; k < 4; ++k) b.send((me + k) % 4, own);
    for (int k = 1; k < 4; ++k) b.recv_reduce((me + k) % 4, b.output(), b.output());
  });
  EXPECT_THAT(verify(p, schedules), AllOf(StartsWith("agreement: output element 0"),
                                          HasSubstr("on rank 0"), HasSubstr("on rank 1")));
}

TEST_F(Broken, OperandsOutOfRankOrderWithoutCommutativity) {
  EXPECT_EQ(complaint(), "");
  p.commutative = false;
  EXPECT_THAT(complaint(), StartsWith("result: "));
}

TEST_F(Broken, InputWritten) {
  const Problem apart = problem(Collective::allreduce, 2, 4);
  const auto schedules = written(apart, [](Rank me, ScheduleBuilder& b) {
    b.copy(b.input(), b.output());
    b.send(1 - me, b.output());
    b.recv_reduce(1 - me, b.output(), b.input());
    b.copy(b.input(), b.output());
  });
  EXPECT_THAT(verify(apart, schedules),
              AllOf(HasSubstr("rank 0 step 2"), HasSubstr("writes to input")));
}

TEST_F(Broken, BeyondTheBuffer) {
  step(2, 3).dst.offset = step(2, 3).src.offset = 7;
  EXPECT_THAT(complaint(), AllOf(HasSubstr("rank 2 step 3"), HasSubstr("beyond its buffer")));
  step(2, 3).dst = step(2, 3).src = {Buffer::input, 0, 2};  // in place: there is no input
  EXPECT_THAT(complaint(), HasSubstr("beyond its buffer"));
}

TEST_F(Broken, DependsOnALaterStep) {
  ring[0].dependencies[0].step = 9;
  EXPECT_THAT(complaint(), HasSubstr("follows step 9, which comes later"));
}

TEST_F(Broken, WrongNumberOfSchedules) {
  ring.pop_back();
  EXPECT_EQ(complaint(), "3 schedules for 4 ranks");
}

}  // namespace
}  // namespace motet
