// What several ranks do to each other, for ranks that are threads and ranks that are processes.
// Each function is one rank's part; all take world size and rank from the engine's links.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <vector>

#include "exercise.hpp"

namespace motet::test {

inline Ask allreduce_of(std::size_t count, bool in_place = false) {
  return {.collective = Collective::allreduce, .count = count, .in_place = in_place};
}
inline Ask broadcast_of(std::size_t count, Rank root) {
  return {.collective = Collective::broadcast, .count = count, .root = root};
}

// A call with its data.
class Running {
 public:
  Running(Comm& comm, const Ask& ask, std::uint64_t seed)
      : exercise_(ask, comm.rank(), comm.size(), seed),
        call_(comm.start(ask, exercise_.input(), exercise_.output())) {}
  void finish() {
    call_.wait();
    exercise_.expect_right();
  }

 private:
  Exercise exercise_;
  Call call_;
};

inline void expect_nothing_aside(Comm& everybody) {
  everybody.barrier();
  const Engine::Hold hold(everybody.engine());
  if (everybody.engine().aside_count() != 0)
    throw std::runtime_error("something is left set aside");
}

// Every rank starts a call on each of two communicators; odd ranks wait for the second one first.
inline void wait_in_opposite_order(RankEngine& rank, int ranks, std::size_t count) {
  std::vector<Rank> turned = everybody(ranks);
  std::ranges::reverse(turned);
  Comm first(rank, 1, everybody(ranks)), second(rank, 2, turned);
  for (std::uint64_t round = 0; round < 5; ++round) {
    Running a(first, allreduce_of(count), 2 * round), b(second, allreduce_of(count), 2 * round + 1);
    const bool odd = rank.rank() % 2 == 1;
    (odd ? b : a).finish();
    (odd ? a : b).finish();
  }
  expect_nothing_aside(first);
}

// A broadcast to everybody is pending while all ranks but the last call each other on a
// communicator of their own. The last one makes no call until `all_through`, told by `through`.
inline void leave_the_last_rank_out(RankEngine& rank, int ranks, std::size_t count,
                                    const std::function<void()>& through,
                                    const std::function<void()>& all_through) {
  Comm all(rank, 1, everybody(ranks));
  if (rank.rank() == ranks - 1) {
    all_through();
    Running(all, broadcast_of(count, 0), 1).finish();
    Running(all, allreduce_of(count), 2).finish();
  } else {
    Comm some(rank, 2, everybody(ranks - 1));
    Running broadcast(all, broadcast_of(count, 0), 1), allreduce(all, allreduce_of(count), 2);
    for (std::uint64_t i = 0; i < 5; ++i) exercise(some, allreduce_of(count), 100 + i);
    exercise(some, broadcast_of(count, 0), 200);
    through();
    allreduce.finish();
    broadcast.finish();
  }
  expect_nothing_aside(all);
}

}  // namespace motet::test
