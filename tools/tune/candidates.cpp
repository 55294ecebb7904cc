#include "candidates.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

#include "names.hpp"

namespace motet_tune {
namespace {

using Clock = std::chrono::steady_clock;

motet_perf::How by(const std::string& algorithm) {
  motet_perf::How how;
  how.algorithm = algorithm;
  return how;
}

double sample(motet::Communicator& comm, const motet_perf::Call& call, const motet_perf::How& how,
              std::size_t calls) {
  motet_perf::invoke(comm, call, how);  // what the candidate before left in the caches counts not
  comm.barrier();
  const auto start = Clock::now();
  for (std::size_t i = 0; i < calls; ++i) motet_perf::invoke(comm, call, how);
  const std::chrono::duration<double, std::micro> time = Clock::now() - start;
  return time.count() / static_cast<double>(calls);
}

double slowest(motet::Communicator& comm, double mine) {
  std::vector<double> value{mine};
  comm.allreduce(value, motet::ReduceOp::max);
  return value[0];
}

// How many calls fill a sample; ranks agree, since they all go by the slowest.
std::size_t calls_for(motet::Communicator& comm, const motet_perf::Call& call,
                      const motet_perf::How& how, double sample_us) {
  constexpr double most_calls = 4096;
  for (int i = 0; i < 2; ++i) motet_perf::invoke(comm, call, how);
  const double once = slowest(comm, sample(comm, call, how, 1));
  const double first_guess = std::clamp(sample_us / 8 / std::max(once, 0.01), 1.0, 512.0);
  const double us = slowest(comm, sample(comm, call, how, static_cast<std::size_t>(first_guess)));
  return static_cast<std::size_t>(std::clamp(sample_us / std::max(us, 0.01), 1.0, most_calls));
}

void settle(motet::Communicator& comm, Cell& cell) {
  for (Candidate& candidate : cell.candidates) {
    comm.allreduce(candidate.times_us, motet::ReduceOp::max);
  }
}

}  // namespace

Cell measure(motet::Communicator& comm, const motet_perf::Call& call, int rounds,
             double sample_us) {
  motet_perf::invoke(comm, call, {});
  Cell cell{.shape = call.shape, .chosen = comm.last_algorithm(), .candidates = {}};
  cell.candidates = {{cell.chosen, {}}, {cell.chosen, {}}};
  for (const std::string& name : algorithm_names(call.shape, comm.node_count() == 1)) {
    if (name != cell.chosen) cell.candidates.push_back({name, {}});
  }
  std::vector<std::size_t> calls;
  for (const Candidate& candidate : cell.candidates) {
    calls.push_back(calls_for(comm, call, by(candidate.name), sample_us));
  }
  std::vector<std::size_t> order(cell.candidates.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(1);  // the same on every rank
  for (int round = 0; round < rounds; ++round) {
    std::ranges::shuffle(order, random);
    for (const std::size_t at : order) {
      Candidate& candidate = cell.candidates[at];
      candidate.times_us.push_back(sample(comm, call, by(candidate.name), calls[at]));
    }
  }
  settle(comm, cell);
  return cell;
}

}  // namespace motet_tune
