// How fast the simulator is: messages a second, schedules and their matching included.
//
//     bench_simulate --benchmark_filter=ring
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "algorithms/list.hpp"
#include "simulate/simulate.hpp"

namespace {

using namespace motet;

// Nodes of eight: a bus inside, a port each to the world.
Fabric nodes_of_eight(int nodes) {
  return Fabric::from_text(fmt::format(
      "fabric bench\nranks {} nodes x 8\nclass bus 200 GB/s 1 us\nclass net 25 GB/s 2 us\n"
      "mesh node bus\nswitch world net\nreduce 500 GB/s\n",
      nodes));
}

void simulate_allreduce(benchmark::State& state, const char* algorithm, std::size_t bytes,
                        const SimulationOptions& options) {
  const Fabric fabric = nodes_of_eight(static_cast<int>(state.range(0)) / 8);
  const Problem problem{.topology = fabric.topology(),
                        .collective = Collective::allreduce,
                        .parts = Parts::even(bytes / 4, fabric.world_size()),
                        .params = {}};
  std::uint64_t messages = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Simulation result =
        simulate(fabric, *find_algorithm(Collective::allreduce, algorithm), problem, options);
    messages += result.messages;
    state.counters["simulated_us"] = result.time.count() * 1e6;
  }
  state.counters["messages_per_second"] =
      benchmark::Counter(static_cast<double>(messages), benchmark::Counter::kIsRate);
}

// Schedules at hand.
void run_alone(benchmark::State& state) {
  const Fabric fabric = nodes_of_eight(static_cast<int>(state.range(0)) / 8);
  const Problem problem{.topology = fabric.topology(),
                        .collective = Collective::allreduce,
                        .parts = Parts::even(std::size_t{1} << 24U, fabric.world_size()),
                        .params = {}};
  std::vector<Schedule> schedules;
  schedules.reserve(static_cast<std::size_t>(fabric.world_size()));
  for (Rank rank = 0; rank < fabric.world_size(); ++rank) {
    schedules.push_back(
        build_schedule(*find_algorithm(Collective::allreduce, "ring"), problem, rank));
  }
  std::uint64_t messages = 0;
  for ([[maybe_unused]] auto _ : state) messages += simulate(fabric, schedules, 4).messages;
  state.counters["messages_per_second"] =
      benchmark::Counter(static_cast<double>(messages), benchmark::Counter::kIsRate);
}

constexpr std::size_t mib = std::size_t{1} << 20;

void fifo_ring(benchmark::State& state) {
  simulate_allreduce(state, "ring", 64 * mib, {.fold = false});
}
void max_min_ring(benchmark::State& state) {
  simulate_allreduce(state, "ring", 64 * mib, {.links = LinkModel::max_min, .fold = false});
}
void folded_ring(benchmark::State& state) {
  simulate_allreduce(state, "ring", 64 * mib, {});
}
void fifo_mesh(benchmark::State& state) {
  simulate_allreduce(state, "two_shot", 64 * mib, {.fold = false});
}
void hierarchical(benchmark::State& state) {
  simulate_allreduce(state, "hierarchical", 64 * mib, {.fold = false});
}
void hierarchical_max_min(benchmark::State& state) {
  simulate_allreduce(state, "hierarchical", 64 * mib, {.links = LinkModel::max_min, .fold = false});
}

BENCHMARK(run_alone)->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(fifo_ring)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(max_min_ring)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(folded_ring)->Arg(1024)->Arg(16384)->Unit(benchmark::kMillisecond);
BENCHMARK(fifo_mesh)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK(hierarchical)->Arg(1024)->Arg(4096)->Arg(16384)->Unit(benchmark::kMillisecond);
BENCHMARK(hierarchical_max_min)->Arg(4096)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
