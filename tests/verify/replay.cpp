#include "replay.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace motet {
namespace {

struct Place {
  std::size_t rank, step;
};

class Replay {
 public:
  Replay(const std::vector<Schedule>& schedules, int b) : schedules_(schedules), b_(b) {
    for (const Schedule& schedule : schedules) {
      done_.emplace_back(schedule.steps.size(), 0);
      for (std::size_t s = 0; s < schedule.steps.size(); ++s) list(done_.size() - 1, s);
    }
  }

  bool run(std::mt19937& random) {
    std::vector<Place> open;
    for (std::size_t r = 0; r < schedules_.size(); ++r) {
      for (std::size_t s = 0; s < schedules_[r].steps.size(); ++s) open.push_back({r, s});
    }
    for (bool moved = true; moved;) {
      moved = false;
      std::shuffle(open.begin(), open.end(), random);
      for (const Place& place : open) moved = advance(place) || moved;
      open.erase(
          std::remove_if(open.begin(), open.end(), [&](const Place& at) { return over(at); }),
          open.end());
    }
    return open.empty();
  }

 private:
  using Stream = std::tuple<std::size_t, std::size_t, Channel>;  // from, to, channel
  struct Ends {
    std::vector<Place> sends, receives;
  };

  const Step& step(const Place& at) const { return schedules_[at.rank].steps[at.step]; }
  int& done(const Place& at) { return done_[at.rank][at.step]; }
  bool over(const Place& at) { return done(at) == b_; }

  Stream stream(const Place& at) const {
    const auto peer = static_cast<std::size_t>(step(at).peer);
    return step(at).sends() ? Stream{at.rank, peer, step(at).channel}
                            : Stream{peer, at.rank, step(at).channel};
  }

  void list(std::size_t rank, std::size_t s) {
    const Place at{rank, s};
    if (step(at).is_local()) return;
    Ends& ends = streams_[stream(at)];
    (step(at).sends() ? ends.sends : ends.receives).push_back(at);
  }

  // Whether the next block's dependencies are done.
  bool ready(const Place& at) {
    for (const Dependency& on : schedules_[at.rank].dependencies_of(step(at))) {
      const int before = done_[at.rank][on.step];
      if (on.blockwise ? before <= done(at) : before < b_) return false;
    }
    return true;
  }

  // Blocks that have passed one end of a stream.
  int passed(const std::vector<Place>& ends) {
    int blocks = 0;
    for (const Place& at : ends) blocks += done(at);
    return blocks;
  }

  bool is_next(const std::vector<Place>& ends, const Place& at) {
    const auto next =
        std::find_if(ends.begin(), ends.end(), [&](const Place& end) { return !over(end); });
    return next != ends.end() && next->rank == at.rank && next->step == at.step;
  }

  bool advance(const Place& at) {
    if (over(at) || !ready(at)) return false;
    if (step(at).is_local()) return ++done(at) > 0;
    const Ends& ends = streams_[stream(at)];
    if (!is_next(step(at).sends() ? ends.sends : ends.receives, at)) return false;
    const int buffered = passed(ends.sends) - passed(ends.receives);
    if (step(at).mover != Mover::either) return step(at).receives() && meet(ends, at, buffered);
    if (buffered != (step(at).sends() ? 0 : 1)) return false;
    return ++done(at) > 0;
  }

  // A rendezvous takes place when both ends are ready.
  bool meet(const Ends& ends, const Place& receive, int buffered) {
    const auto next = std::find_if(ends.sends.begin(), ends.sends.end(),
                                   [&](const Place& end) { return !over(end); });
    if (buffered != 0 || next == ends.sends.end() || !ready(*next)) return false;
    ++done(*next);
    return ++done(receive) > 0;
  }

  const std::vector<Schedule>& schedules_;
  int b_;
  std::vector<std::vector<int>> done_;
  std::map<Stream, Ends> streams_;
};

}  // namespace

bool replay_ends(const std::vector<Schedule>& schedules, int b, std::mt19937& random) {
  return Replay(schedules, b).run(random);
}

}  // namespace motet
