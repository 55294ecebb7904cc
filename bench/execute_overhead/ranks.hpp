// Ranks: processes of this program with a communicator over shared memory, pinned to one CPU each
// as far as there are CPUs. The endpoints under the communicator are there for the taking.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/deadline.hpp"
#include "communicator/communicator.hpp"
#include "communicator/job.hpp"
#include "execute/waiting.hpp"

namespace motet::bench {

inline constexpr int most_ranks = 8;
inline constexpr std::chrono::milliseconds longest_wait(30'000);

// Waits as the library does, but for sleeping: it yields instead.
class Patience {
 public:
  explicit Patience(bool crowded) : waiting_(crowded) {}

  // Called after each look. True if others have been let run, which is when a transport may want
  // to be driven. Throws std::runtime_error once nothing has moved for so long.
  bool after_look(bool moved) {
    const Waiting::Next next =
        waiting_.next(moved ? Waiting::Moved::here : Waiting::Moved::nothing);
    if (moved) return false;
    if (next == Waiting::Next::yield || next == Waiting::Next::sleep) return let_others_run();
    pause_cpu();
    return false;
  }

 private:
  bool let_others_run();

  Waiting waiting_;
  std::optional<Deadline> deadline_;  // from the first time that others were let run
};

struct Board;  // what all ranks map

// One rank's view. meet(), settle() and slowest() are collective: every rank calls them in the same
// order.
class Member {
 public:
  Member(Board& board, Rank rank, int world_size, bool crowded);

  Rank rank() const { return rank_; }
  int world_size() const { return world_size_; }
  bool crowded() const { return crowded_; }
  Communicator& communicator() { return *communicator_; }
  PeerLink& link(Rank peer) { return *job_->links[static_cast<std::size_t>(peer)]; }

  // All leave within the time a cache line takes.
  void meet();
  // Likewise; nothing of earlier calls is under way any more.
  void settle();
  // The largest value that any rank gives.
  double slowest(double mine);

 private:
  void join_job();

  Board& board_;
  Rank rank_;
  int world_size_;
  bool crowded_;
  std::uint64_t meetings_ = 0;
  std::shared_ptr<Job> job_;
  std::unique_ptr<Communicator> communicator_;
};

// Forks the ranks, which run `body`, and waits for them; when one fails the others are ended too.
// Returns the exit status: 0, or 1 after a rank has said on stderr what went wrong.
int run_ranks(int ranks, const std::function<void(Member&)>& body);

}  // namespace motet::bench
