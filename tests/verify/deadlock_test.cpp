// Who hangs and who does not, with one block of buffer per (peer, channel).
#include <gmock/gmock.h>

#include "examples.hpp"

namespace motet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Two ranks swap contents in place, as an alltoall of their whole output with themselves left out.
std::vector<Schedule> exchange(const Problem& p, Mover mover) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    b.send(1 - me, b.output(), {.mover = mover});
    b.recv(1 - me, b.output(), {.mover = mover});
  });
}

// The result of an exchange is no collective's: only what is checked before it counts.
std::string complaint(const Problem& p, const std::vector<Schedule>& schedules) {
  const std::string found = verify(p, schedules);
  return found.rfind("result:", 0) == 0 ? "" : found;
}

TEST(Deadlock, BufferedExchangeInPlaceIsLegal) {
  const Problem p = problem(Collective::alltoall, 2, 8, true);
  EXPECT_EQ(complaint(p, exchange(p, Mover::either)), "");
}

TEST(Deadlock, ExchangeInPlaceInWhichEachSideMovesWhatItReceives) {
  const Problem p = problem(Collective::alltoall, 2, 8, true);
  EXPECT_THAT(complaint(p, exchange(p, Mover::receiver)), StartsWith("deadlock: rank 0 step"));
  EXPECT_THAT(complaint(p, exchange(p, Mover::sender)), StartsWith("deadlock: rank 0 step"));
}

TEST(Deadlock, ExchangeInPlaceWithOneSideBufferedIsLegal) {
  const Problem p = problem(Collective::alltoall, 2, 8, true);
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    b.send(1 - me, b.output(), {.mover = me == 0 ? Mover::either : Mover::receiver});
    b.recv(1 - me, b.output(), {.mover = me == 0 ? Mover::receiver : Mover::either});
  });
  EXPECT_EQ(complaint(p, schedules), "");
}

TEST(Deadlock, BothReceiveFirst) {
  const Problem p = problem(Collective::alltoall, 2, 8, true);
  const auto schedules = written(p, [](Rank me, ScheduleBuilder& b) {
    b.recv(1 - me, b.output());
    b.send(1 - me, b.output());
  });
  EXPECT_THAT(complaint(p, schedules), StartsWith("deadlock"));
}

// Everybody passes its output on in place; one link's message may be cut in two.
std::vector<Schedule> rotation(const Problem& p, bool cut) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group ring = p.topology.world(me);
    const std::vector<Slice> whole{b.output()};
    const auto halves = b.output().chunks(2);
    for (const Slice& s : cut&& me == 0 ? halves : whole) b.send(ring.right(), s);
    for (const Slice& s : cut&& me == 1 ? halves : whole) b.recv(ring.left(), s);
  });
}

TEST(Deadlock, RotationInPlaceIsLegal) {
  const Problem p = problem(Collective::broadcast, 4, 24);
  auto q = p;
  q.collective = Collective::alltoall;
  q.in_place = true;
  EXPECT_EQ(complaint(q, rotation(q, false)), "");
}

TEST(Deadlock, RotationWithOneMessageCutInTwoHangsWithManyBlocks) {
  const Problem p = problem(Collective::alltoall, 4, 24, true);
  EXPECT_THAT(complaint(p, rotation(p, true)), StartsWith("deadlock with many blocks: rank"));
}

TEST(Deadlock, RendezvousAroundARingOfForwardersIsLegal) {
  for (const Mover mover : {Mover::receiver, Mover::sender}) {
    const Problem p = problem(Collective::broadcast, 4, 9);
    const auto chain = written(p, [&](Rank me, ScheduleBuilder& b) {
      if (me == 0) b.copy(b.input(), b.output());
      for (const Slice& chunk : b.output().chunks(3)) {
        if (me > 0) b.recv(me - 1, chunk, {.mover = mover});
        if (me < 3) b.send(me + 1, chunk, {.mover = mover});
      }
    });
    EXPECT_EQ(verify(p, chain), "");
    EXPECT_EQ(verify(p, blocks(chain, 2)), "");
  }
}

TEST(Deadlock, MessagesOfAChannelInOppositeOrderAroundACircle) {
  // Two halves go around two ranks on one channel; rank 0 sends the second half first. No
  // dependency is whole, and still the first message waits for the last block of the other.
  const Problem p = problem(Collective::alltoall, 3, 24, true);
  const auto schedules = written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group ring = p.topology.world(me);
    const auto halves = b.output().chunks(2);
    const auto at = [&](Rank sender, std::size_t i) { return halves[sender == 0 ? 1 - i : i]; };
    for (std::size_t i = 0; i < 2; ++i) b.send(ring.right(), at(me, i));
    for (std::size_t i = 0; i < 2; ++i) b.recv(ring.left(), at(ring.left(), i));
  });
  EXPECT_THAT(complaint(p, schedules), StartsWith("deadlock with many blocks"));
}

// Rank 1 takes first, on another channel, what rank 0 sends after `before` messages on channel 0.
std::vector<Schedule> overtaking(const Problem& p, int before) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Slice token = b.scratch(2);
    if (me == 0) b.copy(b.input().sub(0, 2), token);
    for (int i = 0; me == 0 && i < before; ++i) b.send(1, token);
    if (me == 0) b.copy(b.input().sub(2, 2), token);
    if (me == 0) b.send(1, token, {.channel = 1});
    if (me == 1) b.recv(0, token, {.channel = 1});
    for (int i = 0; me == 1 && i < before; ++i) b.recv(0, token);
  });
}

TEST(Deadlock, OneBlockIsBufferedAndNoMore) {
  const Problem p = problem(Collective::alltoall, 2, 8);
  EXPECT_THAT(complaint(p, overtaking(p, 2)), StartsWith("deadlock"));
  EXPECT_EQ(complaint(p, overtaking(p, 1)), "");
}

TEST(Deadlock, ComplaintShowsWhoWaitsForWhom) {
  const Problem p = problem(Collective::alltoall, 2, 8, true);
  const std::string found = complaint(p, exchange(p, Mover::receiver));
  EXPECT_THAT(found, HasSubstr("moved by receiver"));
  EXPECT_THAT(found, HasSubstr(" waits for rank 1 step"));
}

}  // namespace
}  // namespace motet
