// How fast one core hears of what another has written.
#include "rows.hpp"

namespace motet_limits {
namespace {

constexpr double ns_per_us = 1e3;

// One word travels there and back.
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

// Both write, then both wait.
void exchange(Pair& pair, std::uint64_t& sequence, std::size_t calls) {
  for (std::size_t i = 0; i < calls; ++i) {
    pair.mine().words[0].store(++sequence, std::memory_order_release);
    spin_until_at_least(pair.theirs().words[0], sequence);
  }
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
  bench.print({{"what", "line"}, {"ns_one_way", line_ns_one_way(bench.pair, bench.pace())}});
}

void measure_flag(const Bench& bench) {
  const double us = median_us(bench.pair, bench.pace(), exchange);
  bench.print({{"what", "flag"}, {"ns_exchange", us * ns_per_us}});
}

}  // namespace motet_limits
