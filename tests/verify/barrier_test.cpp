#include <gmock/gmock.h>

#include "examples.hpp"

namespace motet {
namespace {

using testing::StartsWith;

std::vector<Schedule> dissemination(const Problem& p, int rounds) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group world = p.topology.world(me);
    const Slice signal = b.scratch(1);
    for (int k = 0; k < rounds; ++k) {
      b.send(world.at(me + (1 << k)), signal);
      b.recv(world.at(me - (1 << k)), signal);
    }
  });
}

TEST(Barrier, EverybodyHearsOfEverybody) {
  const Problem five = problem(Collective::barrier, 5, 0);
  EXPECT_EQ(verify(five, dissemination(five, 3)), "");
  const Problem one = problem(Collective::barrier, 1, 0);
  EXPECT_EQ(verify(one, dissemination(one, 0)), "");
}

TEST(Barrier, ARoundTooFewLetsSomebodyLeaveEarly) {
  const Problem p = problem(Collective::barrier, 5, 0);
  EXPECT_EQ(verify(p, dissemination(p, 2)), "barrier: rank 0 can leave before rank 1 has come");
}

TEST(Barrier, ReceivingIsNotEnoughForTheSenderUnlessItIsARendezvous) {
  const Problem p = problem(Collective::barrier, 2, 0);
  const auto one_way = [&](Mover mover) {
    return written(p, [&](Rank me, ScheduleBuilder& b) {
      if (me == 0) b.send(1, b.scratch(1), {.mover = mover});
      if (me == 1) b.recv(0, b.scratch(1), {.mover = mover});
    });
  };
  EXPECT_EQ(verify(p, one_way(Mover::receiver)), "");
  EXPECT_THAT(verify(p, one_way(Mover::either)), StartsWith("barrier: rank 0 can leave"));
}

}  // namespace
}  // namespace motet
