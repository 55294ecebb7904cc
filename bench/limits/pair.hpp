// Two ranks: processes that run the same program side by side and meet in memory that both map.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "flags.hpp"
#include "memory.hpp"

namespace motet_limits {

struct Meeting;  // what both ranks map of a Pair

// One rank's view. Every member but rank() and peer_pid() is collective: both ranks call it, in the
// same order.
class Pair {
 public:
  Pair(Meeting& meeting, int rank);

  int rank() const { return rank_; }
  pid_t peer_pid() const;
  // The lines in which ranks tell each other something: written by this rank, by the other.
  Flags& mine() const;
  Flags& theirs() const;

  // Both leave within the time a cache line takes.
  void barrier() { arrivals_.meet(rank_, ++meetings_); }
  void swapped_barrier() { swapped_arrivals_.meet_swapped(rank_, ++swapped_meetings_); }
  // What the other rank gives: an address in its own memory.
  float* exchange(float* given);
  // Replaces each value by the larger of both ranks'.
  void take_larger(std::vector<double>& values);
  double larger(double value);
  // Sets all words of both lines.
  void reset_flags(std::uint64_t value);

 private:
  int peer() const { return 1 - rank_; }

  Meeting& meeting_;
  MeetingFlags& arrivals_;
  MeetingFlags& swapped_arrivals_;
  int rank_;
  std::uint64_t meetings_ = 0;
  std::uint64_t swapped_meetings_ = 0;
};

enum class Placing : std::uint8_t { anywhere, pinned };  // pinned: rank i to the i-th allowed CPU

// Forks both ranks, which run `body`, and waits for them; when one fails the other is ended too.
// Returns the exit status: 0, or 1 after a rank has said on stderr what went wrong.
int run_pair(Placing placing, const std::function<void(Pair&)>& body);

}  // namespace motet_limits
