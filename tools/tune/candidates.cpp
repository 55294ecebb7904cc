#include "candidates.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

#include "names.hpp"

namespace motet_tune {
namespace {

constexpr std::size_t slack = 4096;  // bytes; sizes are rounded up to whole parts

using Clock = std::chrono::steady_clock;

motet_perf::How by(const std::string& algorithm) {
  motet_perf::How how;
  how.algorithm = algorithm;
  return how;
}

// One call by one algorithm.
class Timed {
 public:
  Timed(motet::Communicator& comm, const motet_perf::Call& call, const std::string& algorithm)
      : comm_(comm), how_(by(algorithm)), repeated_(comm, {&call, 1}, how_) {}

  void run() { repeated_.run(); }
  double sample(std::size_t calls) {
    run();  // what the candidate before left in the caches counts not
    comm_.barrier();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) run();
    const std::chrono::duration<double, std::micro> time = Clock::now() - start;
    return time.count() / static_cast<double>(calls);
  }

 private:
  motet::Communicator& comm_;
  const motet_perf::How how_;
  motet_perf::Repeated repeated_;
};

double slowest(motet::Communicator& comm, double mine) {
  std::vector<double> value{mine};
  comm.allreduce(value, motet::ReduceOp::max);
  return value[0];
}

// How many calls fill a sample; ranks agree, since they all go by the slowest.
std::size_t calls_for(motet::Communicator& comm, Timed timed, double sample_us) {
  constexpr double most_calls = 4096;
  for (int i = 0; i < 2; ++i) timed.run();
  const double once = slowest(comm, timed.sample(1));
  const double first_guess = std::clamp(sample_us / 8 / std::max(once, 0.01), 1.0, 512.0);
  const double us = slowest(comm, timed.sample(static_cast<std::size_t>(first_guess)));
  return static_cast<std::size_t>(std::clamp(sample_us / std::max(us, 0.01), 1.0, most_calls));
}

void settle(motet::Communicator& comm, Cell& cell) {
  for (Candidate& candidate : cell.candidates) {
    comm.allreduce(candidate.times_us, motet::ReduceOp::max);
  }
}

Cell measure_call(motet::Communicator& comm, const motet_perf::Call& call, int rounds,
                  double sample_us) {
  Timed(comm, call, "").run();
  Cell cell{.shape = call.shape, .chosen = comm.last_algorithm(), .candidates = {}};
  cell.candidates = {{cell.chosen, {}}, {cell.chosen, {}}};
  for (const std::string& name : algorithm_names(call.shape, comm.node_count() == 1)) {
    if (name != cell.chosen) cell.candidates.push_back({name, {}});
  }
  std::vector<std::size_t> calls;
  for (const Candidate& candidate : cell.candidates) {
    calls.push_back(calls_for(comm, Timed(comm, call, candidate.name), sample_us));
  }
  std::vector<std::size_t> order(cell.candidates.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(1);  // the same on every rank
  for (int round = 0; round < rounds; ++round) {
    std::ranges::shuffle(order, random);
    for (const std::size_t at : order) {
      Candidate& candidate = cell.candidates[at];
      candidate.times_us.push_back(Timed(comm, call, candidate.name).sample(calls[at]));
    }
  }
  settle(comm, cell);
  return cell;
}

}  // namespace

Bench::Bench(motet::Communicator& comm, std::size_t largest_bytes)
    : comm_(comm),
      first_(motet_perf::allocate(comm, largest_bytes + slack, false)),
      second_(motet_perf::allocate(comm, largest_bytes + slack, false)) {}

Cell Bench::measure(const motet_perf::CollectiveRow& row, std::size_t bytes, int rounds,
                    double sample_ms) const {
  const motet_perf::TypeRow type = motet_perf::types_named("float32").front();
  const motet_perf::OpRow op = motet_perf::ops_named("sum").front();
  const int ranks = comm_.size();
  const motet_perf::Shape shape{row, motet_perf::count_for(row, bytes, type.bytes, ranks), ranks,
                                0};
  const motet_perf::Buffers buffers({.shape = shape,
                                     .element_bytes = type.bytes,
                                     .rank = comm_.rank(),
                                     .first = first_.get(),
                                     .second = second_.get(),
                                     .placing = motet_perf::Buffers::Placing::out_of_place});
  buffers.fill(motet_perf::Pattern(type, op, ranks, row.reduces));
  Cell cell = measure_call(comm_, {shape, type, op, buffers.input(), buffers.output()}, rounds,
                           sample_ms * 1000);
  cell.bytes = motet_perf::bytes_of(row, shape.count, type.bytes, ranks);
  return cell;
}

}  // namespace motet_tune
