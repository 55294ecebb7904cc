// The proof that nothing hangs, against running it: random small schedules, one to many blocks.
#include "replay.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "examples.hpp"

namespace motet {
namespace {

// More than a cycle of these schedules has buffers, so that what can hang at all hangs.
constexpr int many = 40;

bool pick(std::mt19937& random, unsigned out_of) {
  return random() % out_of == 0;
}

// Messages between random ranks over random slices of a small buffer, in place: what is received
// may be sent on, which makes cycles, blockwise and whole.
class RandomSchedules {
 public:
  RandomSchedules(const Problem& p, std::mt19937& random) : p_(p), random_(random) {
    for (Rank me = 0; me < p.world_size(); ++me) builders_.emplace_back(p, me);
  }

  std::vector<Schedule> make(int messages) {
    std::vector<std::vector<End>> ends(builders_.size());
    for (int m = 0; m < messages; ++m) add_message(ends);
    std::vector<Schedule> schedules;
    for (std::size_t rank = 0; rank < builders_.size(); ++rank) {
      shuffle_between_streams(ends[rank]);
      for (const End& end : ends[rank]) write(builders_[rank], end);
      schedules.push_back(builders_[rank].finish());
    }
    return schedules;
  }

 private:
  struct End {
    bool sends;
    Rank peer;
    Slice slice;
    ScheduleBuilder::Via via;
  };

  Slice slice() {
    const Slice all = builders_[0].output();
    if (pick(random_, 2)) return all;
    return all.piece(static_cast<int>(random_() % 2), 2);
  }

  void add_message(std::vector<std::vector<End>>& ends) {
    const auto n = static_cast<unsigned>(p_.world_size());
    const auto from = static_cast<Rank>(random_() % n);
    const auto to = static_cast<Rank>((static_cast<unsigned>(from) + 1 + random_() % (n - 1)) % n);
    const Slice src = slice();
    Slice dst = slice();
    while (dst.count != src.count) dst = slice();
    ScheduleBuilder::Via via{.channel = static_cast<Channel>(random_() % 2)};
    if (pick(random_, 4)) via.mover = pick(random_, 2) ? Mover::receiver : Mover::sender;
    ends[static_cast<std::size_t>(from)].push_back({true, to, src, via});
    ends[static_cast<std::size_t>(to)].push_back({false, from, dst, via});
  }

  // Swaps neighbours of different streams: each rank has an order of its own, and messages still
  // match.
  void shuffle_between_streams(std::vector<End>& ends) {
    for (std::size_t i = 1; i < ends.size(); ++i) {
      for (std::size_t j = i; j > 0 && !pick(random_, 3); --j) {
        const End& one = ends[j - 1];
        const End& other = ends[j];
        if (one.sends == other.sends && one.peer == other.peer &&
            one.via.channel == other.via.channel) {
          break;
        }
        std::swap(ends[j - 1], ends[j]);
      }
    }
  }

  static void write(ScheduleBuilder& b, const End& end) {
    if (end.sends) b.send(end.peer, end.slice, end.via);
    if (!end.sends) b.recv(end.peer, end.slice, end.via);
  }

  const Problem& p_;
  std::mt19937& random_;
  std::deque<ScheduleBuilder> builders_;
};

struct Seen {
  int fine = 0, hang_at_once = 0, hang_later = 0, hang_from_four = 0;
};

TEST(Replay, TheProofIsExactOnRandomSchedules) {
  std::mt19937 random(11);
  Seen seen;
  for (int round = 0; round < 6000; ++round) {
    const int n = 2 + static_cast<int>(random() % 4);
    const Problem p = problem(Collective::allreduce, n, 4, true);
    const auto schedules = RandomSchedules(p, random).make(n + static_cast<int>(random() % 4));
    const std::string complaint = verify(p, schedules);
    const bool proved = complaint.find("deadlock") == std::string::npos;
    ASSERT_EQ(complaint.find("race"), std::string::npos) << complaint;
    const bool few[] = {replay_ends(schedules, 1, random), replay_ends(schedules, 2, random),
                        replay_ends(schedules, 3, random)};
    const bool ends = few[0] && few[1] && few[2] && replay_ends(schedules, many, random);
    ASSERT_EQ(proved, ends) << complaint << "\nround " << round;
    seen.fine += proved ? 1 : 0;
    seen.hang_at_once += few[0] ? 0 : 1;
    seen.hang_later += !proved && few[0] ? 1 : 0;
    seen.hang_from_four += !proved && few[0] && few[1] && few[2] ? 1 : 0;
  }
  // Otherwise the test shows nothing.
  EXPECT_GT(seen.fine, 300);
  EXPECT_GT(seen.hang_at_once, 300);
  EXPECT_GT(seen.hang_later, 100);
  EXPECT_GT(seen.hang_from_four, 0);
  RecordProperty("fine", seen.fine);
  RecordProperty("hang_later", seen.hang_later);
  RecordProperty("hang_from_four", seen.hang_from_four);
}

TEST(Replay, RotationWithOneMessageCutInTwoHangsFromFourBlocksOn) {
  const Problem p = problem(Collective::alltoall, 4, 24, true);
  const auto schedules = written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group ring = p.topology.world(me);
    const std::vector<Slice> whole{b.output()};
    for (const Slice& s : me == 0 ? b.output().chunks(2) : whole) b.send(ring.right(), s);
    for (const Slice& s : me == 1 ? b.output().chunks(2) : whole) b.recv(ring.left(), s);
  });
  std::mt19937 random(5);
  for (const int b : {1, 2, 3}) EXPECT_TRUE(replay_ends(schedules, b, random)) << b;
  EXPECT_FALSE(replay_ends(schedules, 4, random));
}

}  // namespace
}  // namespace motet
