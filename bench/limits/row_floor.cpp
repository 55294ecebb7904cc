// The floors of collectives: the best of all variants of a cell, each proven right first.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "pattern.hpp"
#include "pull.hpp"
#include "rows.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

// Variants that much slower than the best of the first pass are out of the race.
constexpr double hopeless = 1.3;
constexpr std::size_t line_floats = line_bytes / sizeof(float);

struct Candidate {
  Variant variant;
  std::vector<double> times;
  double us = 0;  // their median
};

struct Memory {
  PrivateFloats in, out;
  Ends ends, peer_ends;
};

// The root of a broadcast has one buffer, as in MPI.
Ends ends_of(const Cell& cell, int rank, float* in, float* out) {
  return {in, cell.collective == Collective::broadcast && rank == 0 ? in : out};
}

Memory allocate(const Bench& bench, const Cell& cell) {
  Pair& pair = bench.pair;
  if (bench.options.buffers == Buffers::shared) {
    const auto shared = [&](int rank) {
      const auto [in, out] = bench.arena.shared_ends(rank);
      return ends_of(cell, rank, in, out);
    };
    return {nullptr, nullptr, shared(pair.rank()), shared(1 - pair.rank())};
  }
  PrivateFloats in = allocate_private(2 * cell.count * sizeof(float));
  PrivateFloats out = allocate_private(2 * cell.count * sizeof(float));
  const Ends ends = ends_of(cell, pair.rank(), in.get(), out.get());
  const Ends peer_ends{pair.exchange(ends.in), pair.exchange(ends.out)};
  return {std::move(in), std::move(out), ends, peer_ends};
}

void read_output(const Cell& cell, const float* out) {
  for (std::size_t at = 0; at < output_count(cell); at += line_floats)
    (void)*static_cast<const volatile float*>(out + at);
}

// Several calls with other numbers each, since a slot that is used again too early shows in the
// next.
void verify(Side& side, const Variant& variant) {
  constexpr std::size_t large_bytes = std::size_t{4} << 20;  // fills every slot more than once
  const int rounds = bytes_of(side.cell) <= large_bytes ? 5 : 2;
  const int rank = side.pair.rank();
  for (int round = 0; round < rounds; ++round) {
    const Pattern pattern(round);
    Pattern::spoil_output(side.cell, side.ends.out);
    pattern.fill_input(side.cell, rank, side.ends.in);
    side.pair.barrier();
    variant.call(side, variant.plan);
    if (!pattern.is_right(side.cell, rank, side.ends.out))
      throw std::runtime_error(fmt::format("wrong result: {} of {} bytes by {}, call {}",
                                           name(side.cell.collective), bytes_of(side.cell),
                                           variant.name, round));
  }
}

void time(const Bench& bench, Side& side, const Pattern& pattern, Candidate& candidate) {
  const Variant& variant = candidate.variant;
  Work work{.run = [&](std::size_t calls) {
    for (std::size_t i = 0; i < calls; ++i) variant.call(side, variant.plan);
  }};
  if (bench.options.mode == Mode::fresh) {
    work.before = [&] { pattern.fill_input(side.cell, side.pair.rank(), side.ends.in); };
    work.after = [&] { read_output(side.cell, side.ends.out); };
  }
  const auto times = measure(side.pair, {bench.options.pass_ms, bench.options.mode}, work);
  candidate.times.insert(candidate.times.end(), times.begin(), times.end());
  candidate.us = median(candidate.times);
}

// The first pass proves every variant right; later ones go on with the fast.
void race(const Bench& bench, Side& side, std::vector<Candidate>& candidates) {
  const Pattern pattern(0);
  double bound = 0;  // none yet
  for (int pass = 0; pass < bench.options.passes; ++pass) {
    for (Candidate& candidate : candidates) {
      if (pass > 0 && candidate.us > bound) continue;
      side.begin();
      if (pass == 0) verify(side, candidate.variant);
      time(bench, side, pattern, candidate);
    }
    bound = hopeless * std::ranges::min(candidates, {}, &Candidate::us).us;
  }
}

// line_ns: of the moment, since a virtual machine's cores may move together and apart.
Line line_of(const Bench& bench, const Cell& cell, double line_ns, const Candidate& candidate) {
  return {{"what", "floor"},
          {"collective", name(cell.collective)},
          {"ranks", 2},
          {"bytes", bytes_of(cell)},
          {"mode", bench.options.mode == Mode::hot ? "hot" : "fresh"},
          {"buffers", bench.options.buffers == Buffers::shared ? "shared" : "ordinary"},
          {"time_us_median", candidate.us},
          {"batches", candidate.times.size()},
          {"line_ns_one_way", line_ns},
          {"variant", candidate.variant.name}};
}

void measure_floor(const Bench& bench, const Cell& cell, Pulls pulls) {
  const Memory memory = allocate(bench, cell);
  Side side(bench.pair, bench.arena, cell, memory.ends, memory.peer_ends);
  std::vector<Candidate> candidates;
  for (const Variant& variant : variants_for(cell, bench.options.buffers, pulls))
    candidates.push_back({variant, {}});
  const double line_ns = line_ns_one_way(bench.pair, {1});
  race(bench, side, candidates);
  if (bench.options.all_variants)
    for (const Candidate& candidate : candidates) {
      Line line = line_of(bench, cell, line_ns, candidate);
      line["what"] = "variant";
      bench.print(line);
    }
  bench.print(line_of(bench, cell, line_ns, std::ranges::min(candidates, {}, &Candidate::us)));
  bench.pair.barrier();  // the peer may still read
}

}  // namespace

void measure_floors(const Bench& bench) {
  const Pulls pulls = refusal_of_pulls(bench.pair).empty() ? Pulls::allowed : Pulls::refused;
  for (const Collective collective : bench.options.collectives) {
    std::set<std::size_t> seen;  // sizes may come to the same
    for (const std::size_t bytes : bench.options.floor_sizes) {
      const Cell cell = cell_for(collective, bytes);
      if (seen.insert(bytes_of(cell)).second) measure_floor(bench, cell, pulls);
    }
  }
}

}  // namespace motet_limits
