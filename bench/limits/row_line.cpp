// How fast one core hears of what another has written.
#include "rows.hpp"

namespace motet_limits {
namespace {

constexpr double ns_per_us = 1e3;

// One word travels there and back.
void ping_pong(Pair& pair, Looking looking, std::uint64_t& sequence, std::size_t calls) {
  Word& mine = pair.mine().words[0];
  const Word& theirs = pair.theirs().words[0];
  for (std::size_t i = 0; i < calls; ++i) {
    ++sequence;
    if (pair.rank() == 0) mine.store(sequence, std::memory_order_release);
    spin_until_at_least(theirs, sequence, looking);
    if (pair.rank() == 1) mine.store(sequence, std::memory_order_release);
  }
}

// Both write, then both wait.
void exchange(Pair& pair, Looking looking, std::uint64_t& sequence, std::size_t calls) {
  for (std::size_t i = 0; i < calls; ++i) {
    pair.mine().words[0].store(++sequence, std::memory_order_release);
    spin_until_at_least(pair.theirs().words[0], sequence, looking);
  }
}

using Act = void (*)(Pair&, Looking, std::uint64_t&, std::size_t);

double median_us(const Bench& bench, Looking looking, Act act) {
  std::uint64_t sequence = 0;
  bench.pair.reset_flags(0);
  return median(measure(bench.pair, bench.pace(), {.run = [&](std::size_t calls) {
                          act(bench.pair, looking, sequence, calls);
                        }}));
}

void measure_both_waits(const Bench& bench, std::string_view what, Act act, int ways) {
  for (const Looking looking : {Looking::pausing, Looking::restless})
    bench.print({{"what", what},
                 {"looking", looking == Looking::pausing ? "pausing" : "restless"},
                 {what == "line" ? "ns_one_way" : "ns_exchange",
                  median_us(bench, looking, act) * ns_per_us / ways}});
}

}  // namespace

void measure_line(const Bench& bench) {
  measure_both_waits(bench, "line", ping_pong, 2);
}

void measure_flag(const Bench& bench) {
  measure_both_waits(bench, "flag", exchange, 1);
}

}  // namespace motet_limits
