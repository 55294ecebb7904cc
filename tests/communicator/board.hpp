// What the ranks of a scenario tell each other past the library: shared memory made by run_ranks().
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace motet::testing {

// Looks until `fact` is true, at most so long.
bool comes_true(const std::function<bool()>& fact, int timeout_ms = 30'000);

struct Board {
  static constexpr std::size_t most_ranks = 16;
  std::array<std::atomic<int>, 16> reached;      // how often each mark was
  std::array<std::atomic<int>, most_ranks> pid;  // of each rank
  std::atomic<std::int64_t> death_ns;            // by the steady clock: when a rank ended itself

  void reach(std::size_t mark) { ++reached.at(mark); }
  // Ends the process if it does not happen in time.
  void await(std::size_t mark, int times);
  // Waits until so many processes have called this; once in a scenario.
  void meet(int processes);
};

// Of this process's scenario. Requires that run_ranks() started it.
Board& board();

// For run_ranks(): the descriptor that ranks inherit.
int create_board();

}  // namespace motet::testing
