// How long until a rank that sleeps in a futex answers: the wake, the way onto a core, and the line
// back.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "rows.hpp"

namespace motet_limits {
namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

// A futex is a word of 32 bits: the first half of the sleeper's line.
long futex(Word& word, int operation, std::uint32_t value) {
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, nullptr,
                 nullptr, 0);
}

// Sleeps until the doorbell shows `ring`, and answers.
void sleep_and_answer(Pair& pair, std::uint32_t ring) {
  Word& doorbell = pair.theirs().words[0];
  pair.mine().words[1].store(ring, std::memory_order_release);  // about to sleep
  while (doorbell.load(std::memory_order_acquire) < ring) futex(doorbell, FUTEX_WAIT, ring - 1);
  pair.mine().words[0].store(ring, std::memory_order_release);
}

double wake_and_time(Pair& pair, std::uint32_t ring, double asleep_us) {
  spin_until_at_least(pair.theirs().words[1], ring);
  const auto about_to_sleep = Clock::now();
  while (Micros(Clock::now() - about_to_sleep).count() < asleep_us) {
  }
  const auto start = Clock::now();
  Word& doorbell = pair.mine().words[0];
  doorbell.store(ring, std::memory_order_release);
  futex(doorbell, FUTEX_WAKE, 1);
  spin_until_at_least(pair.theirs().words[0], ring);
  return Micros(Clock::now() - start).count();
}

double median_wake_us(const Bench& bench, double asleep_us) {
  constexpr double fewest = 3;
  const double fitting = bench.pace().pass_ms * 1e3 / asleep_us;
  std::vector<double> times(static_cast<std::size_t>(std::max(fewest, fitting)));
  bench.pair.reset_flags(0);
  std::uint32_t ring = 0;
  for (double& time : times) {
    ++ring;
    if (bench.pair.rank() == 0)
      time = wake_and_time(bench.pair, ring, asleep_us);
    else
      sleep_and_answer(bench.pair, ring);
  }
  bench.pair.barrier();
  return median(times);
}

}  // namespace

void measure_wake(const Bench& bench) {
  // Idle cores sleep the deeper the longer.
  for (const double asleep_us : {100.0, 10'000.0})
    bench.print({{"what", "wake"},
                 {"asleep_us", asleep_us},
                 {"us_one_way", median_wake_us(bench, asleep_us)}});
}

}  // namespace motet_limits
