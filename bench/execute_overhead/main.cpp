// motet-execute-overhead: what walking a schedule costs, against code written by hand for the one
// algorithm over the same endpoints. Ranks are processes over shared memory; fp32 sums in ordinary
// buffers.
//
// motet_us: Communicator::run with the algorithm named, which is all of the library but the C
// function: checking arguments and finding the plan are in it. by_hand_us: loops over
// Endpoint::send, front and pop (by_hand.cpp) with the plan's blocks, the library's kernel and its
// way to wait. Both use the same buffers, slots and rings, and take turns in short batches. Times
// are medians over batches of the slowest rank's.
//
// With several MiB the library may store results past the caches or read its peers' memory, neither
// of which is done by hand: there the two move bytes differently and the ratio is no overhead.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "algorithms/list.hpp"
#include "by_hand.hpp"
#include "planner/planner.hpp"
#include "ranks.hpp"

namespace motet::bench {
namespace {

constexpr double goal_ratio = 1.05;
// The library's first ten calls of a plan may differ from later ones, and both must have touched
// all memory.
constexpr int warm_calls = 12;

struct Contest {
  std::string_view algorithm;  // of the library's list
  void (*by_hand)(Wires&, const Vector&);
};
constexpr std::array contests{Contest{"mesh", one_shot}, Contest{"ring", ring}};

struct Settings {
  int ranks = 2, batches = 200;
  double batch_us = 300;
  std::vector<std::uint64_t> bytes{16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20};
  std::vector<std::string> algorithms{"mesh", "ring"};
  bool json = false;
};

struct Row {
  std::string_view algorithm;
  int ranks;
  std::size_t bytes;
  double motet_us, by_hand_us;
  int batches;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// The plan's block, in elements.
std::size_t block_of(const Contest& contest, int ranks, std::size_t count) {
  const Topology topology = Topology::single_node(ranks);
  const Problem problem{.topology = topology,
                        .collective = Collective::allreduce,
                        .parts = Parts::even(count, ranks),
                        .element_bytes = sizeof(float),
                        .params = {}};
  const Choice choice = Planner(Machine{}).choose(problem, {.algorithm = contest.algorithm});
  if (choice.params.chunks != 1 || choice.params.channels != 1) {
    throw std::runtime_error("the plan has chunks or channels, which by_hand.cpp has not");
  }
  return std::min(choice.block_bytes, std::size_t(Options().block_kib) * 1024) / sizeof(float);
}

// One algorithm at one size.
class Duel {
 public:
  Duel(Member& member, Wires& wires, const Contest& contest, std::size_t count)
      : member_(member),
        wires_(wires),
        contest_(contest),
        in_(count),
        out_(count),
        expected_(count),
        vector_{in_.data(), out_.data(), count, block_of(contest, member.world_size(), count)} {
    const auto n = static_cast<float>(member.world_size());
    for (std::size_t i = 0; i < count; ++i) {  // small integers, so that every order is exact
      const auto value = static_cast<float>(i % 1000);
      in_[i] = value + static_cast<float>(member.rank());
      expected_[i] = n * value + n * (n - 1) / 2;
    }
  }

  Row run(const Settings& settings) {
    batch([&] { call_library(); }, warm_calls);
    batch([&] { call_by_hand(); }, warm_calls);
    const double us = batch([&] { call_library(); }, 4);
    const int calls = static_cast<int>(std::clamp(settings.batch_us / us, 1.0, 1000.0));
    std::vector<double> library, by_hand;
    for (int i = 0; i < settings.batches; ++i) {
      if (i % 2 == 0) library.push_back(batch([&] { call_library(); }, calls));
      by_hand.push_back(batch([&] { call_by_hand(); }, calls));
      if (i % 2 == 1) library.push_back(batch([&] { call_library(); }, calls));
    }
    return {contest_.algorithm, member_.world_size(), vector_.count * sizeof(float),
            median(library),    median(by_hand),      settings.batches};
  }

 private:
  void call_library() { member_.communicator().run(arguments_); }
  void call_by_hand() { contest_.by_hand(wires_, vector_); }

  // The slowest rank's time for one call, in µs.
  template <class Call>
  double batch(Call&& call, int calls) {
    std::ranges::fill(out_, -1.0F);
    member_.settle();
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    if (out_ != expected_) {
      throw std::runtime_error(fmt::format("a wrong result: {}, {} bytes", contest_.algorithm,
                                           vector_.count * sizeof(float)));
    }
    return member_.slowest(took.count()) / calls;
  }

  Member& member_;
  Wires& wires_;
  const Contest& contest_;
  std::vector<float> in_, out_, expected_;
  const Vector vector_;
  const Arguments arguments_{
      .collective = Collective::allreduce,
      .input = vector_.in,
      .output = vector_.out,
      .count = vector_.count,
      .algorithm = find_algorithm(Collective::allreduce, contest_.algorithm)};
};

void print(const Row& row, bool json) {
  const double ratio = row.motet_us / row.by_hand_us;
  if (json) {
    const nlohmann::ordered_json line{{"what", "execute_overhead"},
                                      {"algorithm", row.algorithm},
                                      {"ranks", row.ranks},
                                      {"bytes", row.bytes},
                                      {"motet_us", row.motet_us},
                                      {"by_hand_us", row.by_hand_us},
                                      {"ratio", ratio},
                                      {"goal_ratio", goal_ratio},
                                      {"batches", row.batches}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("  {:>9} {:>5} {:>10} {:>10.2f} {:>10.2f} {:>6.3f} {:>10.2f} {:>7}\n", row.algorithm,
               row.ranks, row.bytes, row.motet_us, row.by_hand_us, ratio, goal_ratio, row.batches);
  }
  std::fflush(stdout);
}

void print_head() {
  fmt::print("# {:>9} {:>5} {:>10} {:>10} {:>10} {:>6} {:>10} {:>7}\n", "algorithm", "ranks",
             "bytes", "motet_us", "by_hand_us", "ratio", "goal_ratio", "batches");
}

void measure(Member& member, const Settings& settings) {
  const bool prints = member.rank() == 0;
  if (prints && !settings.json) print_head();
  Wires wires(member);
  for (const Contest& contest : contests) {
    if (std::ranges::find(settings.algorithms, contest.algorithm) == settings.algorithms.end()) {
      continue;
    }
    for (const std::size_t bytes : settings.bytes) {
      const Row row = Duel(member, wires, contest, bytes / sizeof(float)).run(settings);
      if (prints) print(row, settings.json);
    }
  }
}

// Sizes that leave every rank a share of whole elements.
std::string problem_of_bytes(const std::string& text) {
  const std::uint64_t bytes = std::stoull(text);
  constexpr std::uint64_t least = 1 << 10, most = 1 << 30;
  const bool good = bytes >= least && bytes <= most && bytes % sizeof(float) == 0;
  return good ? "" : text + " bytes: must be a multiple of 4 from 1K to 1G";
}

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("-n,--ranks", settings.ranks, "processes")
      ->check(CLI::Range(2, most_ranks))
      ->capture_default_str();
  app.add_option("--bytes", settings.bytes, "a list of sizes; K, M are powers of 1024")
      ->delimiter(',')
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator(problem_of_bytes, "BYTES"))
      ->capture_default_str();
  app.add_option("-a,--algorithm", settings.algorithms, "mesh (one-shot), ring; default both")
      ->delimiter(',')
      ->check(CLI::IsMember({"mesh", "ring"}));
  app.add_option("--batches", settings.batches, "of each contender")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--batch-us", settings.batch_us, "how long a batch should take")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_flag("--json", settings.json, "one JSON object a line");
}

}  // namespace
}  // namespace motet::bench

int main(int argc, char** argv) {
  using namespace motet::bench;
  Settings settings;
  CLI::App app("Compares Motet's walk over a schedule with code written by hand.",
               "motet-execute-overhead");
  add_options(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return run_ranks(settings.ranks, [&](Member& member) { measure(member, settings); });
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-execute-overhead: {}\n", error.what());
    return 1;
  }
}
