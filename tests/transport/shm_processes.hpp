// Ranks as forked processes, for what threads cannot show: death, stopping, memory of one's own.
// The test's own process must have opened no transport, as a child of such a process may not.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <vector>

#include "fleet.hpp"

namespace motet::test {

// Shared by all ranks and the test. Each flag is a step of the test's story.
struct Board {
  static constexpr std::size_t ranks = 2;
  Secret secret;
  std::array<Identity, ranks> engine;
  std::array<std::array<char, 256>, ranks> address;
  std::array<std::atomic<bool>, ranks> is_posted;
  std::array<std::atomic<bool>, 8> flag;
};

// Waits, without sleeping in the kernel, until `done`; throws after `patience`.
void await(const std::function<bool()>& done, const char* what);

class Processes {
 public:
  using Rank = std::function<void(Engine& me, Board& board)>;

  // Starts two connected ranks; each runs its function and exits with 0, or with 1 if it throws.
  Processes(const TransportOptions& options, const Rank& first, const Rank& second);
  ~Processes();  // kills what still runs
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  Board& board() { return *board_; }
  pid_t pid(int rank) const { return pids_.at(static_cast<std::size_t>(rank)); }
  // The exit status of a rank, or minus the signal that killed it.
  int wait(int rank);
  // Until the rank has stopped itself.
  void wait_until_stopped(int rank) const;

 private:
  Board* board_;
  std::vector<pid_t> pids_;
};

}  // namespace motet::test
