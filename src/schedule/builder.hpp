// Writes one rank's schedule. The writer says what moves where, in program order; the builder
// derives which steps must wait for which: two steps are ordered exactly when they touch the same
// elements and one of them writes.
//
// In place is the builder's business: input() and output() are slices of the same buffer then, and
// a copy of a slice onto itself vanishes. Steps of empty slices vanish too, at both ends alike; but
// not a message whose ends need not agree that it is empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "schedule/interval_map.hpp"
#include "schedule/problem.hpp"
#include "schedule/schedule.hpp"

namespace motet {

class ScheduleBuilder {
 public:
  // How a message travels. The same at both ends.
  struct Via {
    Channel channel = 0;
    Mover mover = Mover::either;
  };

  ScheduleBuilder(const Problem& problem, Rank me);
  ScheduleBuilder(const ScheduleBuilder&) = delete;
  ScheduleBuilder& operator=(const ScheduleBuilder&) = delete;

  Slice input() const { return input_; }  // empty where this rank has none (see Problem)
  Slice output() const { return output_; }
  // Fresh elements, never handed out twice.
  Slice scratch(std::size_t count);
  // Where the whole vector can be worked on, holding this rank's contribution (a share: at
  // part(me)): output, if it is that long (the input is copied there first unless in place), else
  // the input itself where it may be overwritten, else scratch. Each call copies anew; call it
  // once.
  Slice workspace();
  // Part i of a slice that holds all parts (`whole.count` is the total); and the run of parts
  // [first, first + length).
  Slice part(Slice whole, int i) const;
  Slice part(Slice whole, int first, int length) const;

  void copy(Slice src, Slice dst);
  void reduce(Slice src, Slice dst);              // dst = dst op src
  void reduce_into_second(Slice src, Slice dst);  // dst = src op dst
  void send(Rank peer, Slice src, Via via);
  void recv(Rank peer, Slice dst, Via via);
  void recv_reduce(Rank peer, Slice src, Slice dst, Via via);              // dst = src op incoming
  void recv_reduce_into_second(Rank peer, Slice src, Slice dst, Via via);  // dst = incoming op src
  void send(Rank peer, Slice src) { send(peer, src, Via{}); }
  void recv(Rank peer, Slice dst) { recv(peer, dst, Via{}); }
  void recv_reduce(Rank peer, Slice src, Slice dst) { recv_reduce(peer, src, dst, Via{}); }

  // Gives the schedule; the builder is empty afterwards.
  Schedule finish();
  // How many runs the interval maps have looked at: what building costs, for tests of scale.
  std::size_t runs_visited() const;

 private:
  void add(Step step);
  void check(const Step& step) const;
  void find_earlier(const Step& step, std::uint32_t number);
  IntervalMap& map_of(const Slice& s) { return touched_[static_cast<std::size_t>(s.buffer)]; }

  const Problem& problem_;
  Rank me_;
  Slice input_, output_;
  Schedule schedule_;
  std::array<IntervalMap, 3> touched_;  // per buffer: who wrote and who has read each run since
  std::vector<std::uint32_t> earlier_;  // of one step, kept for its memory
};

}  // namespace motet
