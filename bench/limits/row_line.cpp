// How fast one core hears of what another has written.
#include "rows.hpp"

namespace motet_limits {
namespace {

constexpr double ns_per_us = 1e3;

// Each rank writes a line of its own.
void ping_pong(Pair& pair, std::uint64_t& sequence, std::size_t calls) {
  Word& mine = pair.mine().words[0];
  const Word& theirs = pair.theirs().words[0];
  for (std::size_t i = 0; i < calls; ++i) {
    ++sequence;
    if (pair.rank() == 0) mine.store(sequence, std::memory_order_release);
    spin_until_at_least(theirs, sequence);
    if (pair.rank() == 1) mine.store(sequence, std::memory_order_release);
  }
}

// One line changes hands.
void ping_pong_swapped(Pair& pair, std::uint64_t& sequence, std::size_t calls) {
  Word& word = pair.rank() == 0 ? pair.mine().words[0] : pair.theirs().words[0];
  const auto rank = static_cast<std::uint64_t>(pair.rank());
  for (std::size_t i = 0; i < calls; ++i) {
    spin_until_at_least(word, sequence + rank);
    word.store(sequence + rank + 1, std::memory_order_release);
    sequence += 2;
  }
}

// Both write, then both wait.
void exchange(Pair& pair, std::uint64_t&, std::size_t calls) {
  for (std::size_t i = 0; i < calls; ++i) pair.barrier();
}

void exchange_swapped(Pair& pair, std::uint64_t&, std::size_t calls) {
  for (std::size_t i = 0; i < calls; ++i) pair.swapped_barrier();
}

double median_us(Pair& pair, const Pace& pace, void (*act)(Pair&, std::uint64_t&, std::size_t)) {
  std::uint64_t sequence = 0;
  pair.reset_flags(0);
  return median(
      measure(pair, pace, {.run = [&](std::size_t calls) { act(pair, sequence, calls); }}));
}

}  // namespace

double line_ns_one_way(Pair& pair, const Pace& pace) {
  return median_us(pair, pace, ping_pong) * ns_per_us / 2;
}

void measure_line(const Bench& bench) {
  const double own_ns = line_ns_one_way(bench.pair, bench.pace());
  const double swapped_us = median_us(bench.pair, bench.pace(), ping_pong_swapped);
  bench.print({{"what", "line"}, {"lines", "own"}, {"ns_one_way", own_ns}});
  bench.print({{"what", "line"}, {"lines", "swapped"}, {"ns_one_way", swapped_us * ns_per_us / 2}});
}

void measure_flag(const Bench& bench) {
  const double own_us = median_us(bench.pair, bench.pace(), exchange);
  const double swapped_us = median_us(bench.pair, bench.pace(), exchange_swapped);
  bench.print({{"what", "flag"}, {"lines", "own"}, {"ns_exchange", own_us * ns_per_us}});
  bench.print({{"what", "flag"}, {"lines", "swapped"}, {"ns_exchange", swapped_us * ns_per_us}});
}

}  // namespace motet_limits
