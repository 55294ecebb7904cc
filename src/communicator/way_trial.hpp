// Finds the fastest of the ways in which a program with large messages can move them: read from the
// sender's memory or through slots, stored into the caches or past them. Which it is, by up to
// 1.5 ×, is a matter of the machine and of who else uses its caches, so the first calls try each in
// turn. Results do not depend on it. All ranks make the same calls, so they try the same way at the
// same time, though nothing but speed needs that.
#pragma once

#include <algorithm>
#include <vector>

#include "base/deadline.hpp"
#include "execute/operation.hpp"

namespace motet {

class WayTrial {
 public:
  using Way = Operation::Way;

  // The first is taken until calls have been timed.
  explicit WayTrial(std::vector<Way> ways) : candidates_(ways.begin(), ways.end()) {}

  const Way& way() const { return candidates_[next_].way; }
  // Whether it matters how long the next call takes.
  bool is_open() const { return rounds_ < all_rounds && candidates_.size() > 1; }
  // How long a call took that went the way().
  void note(Clock::duration took) {
    if (!is_open()) return;
    Candidate& candidate = candidates_[next_];
    if (rounds_ > 0) candidate.best = std::min(candidate.best, took);  // the first warms up
    if (++next_ < candidates_.size()) return;
    next_ = 0;
    if (++rounds_ == all_rounds)
      candidates_ = {*std::ranges::min_element(candidates_, {}, &Candidate::best)};
  }

 private:
  static constexpr int all_rounds = 3;
  struct Candidate {
    explicit Candidate(const Way& a_way) : way(a_way) {}
    Way way;
    Clock::duration best = Clock::duration::max();
  };

  std::vector<Candidate> candidates_;
  std::size_t next_ = 0;
  int rounds_ = 0;
};

// Those that are worth trying, as the planner has it first.
inline std::vector<Operation::Way> ways_of(const Program& program) {
  const bool reads = program.reading == Reading::likely || program.reads_over_network;
  std::vector<Operation::Way> ways{{.reads_memory = reads}};
  if (reads || program.reading != Reading::never) ways.push_back({.reads_memory = !reads});
  if (program.has_large_output) ways.push_back({.reads_memory = false, .past_caches = true});
  return ways;
}

}  // namespace motet
