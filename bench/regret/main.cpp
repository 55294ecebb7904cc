// How much is lost by the planner's choice? Every algorithm that supports a call, at every size, in
// turns, against the one that the planner chooses. Runs under any launcher (examples/run.sh); rank
// 0 prints a line per size and a summary, or JSON.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "candidates.hpp"
#include "measure.hpp"
#include "options.hpp"
#include "regret.hpp"

namespace motet_regret {
namespace {

using motet_perf::CollectiveRow;
using motet_perf::Kind;
using motet_tune::Candidate;
using motet_tune::Cell;
using motet_tune::Interval;

struct Options {
  std::string collectives =
      "allreduce,allgather,reduce_scatter,broadcast,reduce,alltoall,gather,scatter";
  std::string smallest = "1K", largest = "64M";
  std::size_t factor = 4;
  int rounds = 15;
  double sample_ms = 2;
  bool json = false;
};

void describe(CLI::App& app, Options& options) {
  app.add_option("-c,--collectives", options.collectives, "comma-separated")->capture_default_str();
  app.add_option("-b,--minbytes", options.smallest, "smallest size")->capture_default_str();
  app.add_option("-e,--maxbytes", options.largest, "largest size")->capture_default_str();
  app.add_option("-f,--stepfactor", options.factor, "factor between sizes")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "turns of each candidate")
      ->check(CLI::Range(5, 1000))
      ->capture_default_str();
  app.add_option("--sample-ms", options.sample_ms, "calls of one turn together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object a line");
}

std::vector<CollectiveRow> rows(const std::string& words) {
  std::vector<CollectiveRow> found;
  for (const std::string& word : CLI::detail::split(words, ',')) {
    for (const CollectiveRow& row : motet_perf::collectives_named(word)) {
      if (row.kind == Kind::sendrecv || row.kind == Kind::barrier || row.uneven) continue;
      found.push_back(row);
    }
  }
  return found;
}

nlohmann::json to_json(const Interval& interval) {
  return {{"low", interval.low}, {"median", interval.median}, {"high", interval.high}};
}

void print_json(const Cell& cell, const Regret& regret, const std::string& transport) {
  nlohmann::json times;
  for (const Candidate& candidate : cell.candidates) {
    times[candidate.name] = motet_perf::percentile(candidate.times_us, 0.5);
  }
  const nlohmann::json line{{"collective", cell.shape.row.name},
                            {"bytes", cell.bytes},
                            {"ranks", cell.shape.ranks},
                            {"transport", transport},
                            {"chosen", cell.chosen},
                            {"best", regret.best},
                            {"ratio", to_json(regret.ratio)},
                            {"itself", to_json(regret.itself)},
                            {"is_within_tenth", regret.is_within_tenth},
                            {"time_us_median", times}};
  fmt::print("{}\n", line.dump());
}

void print_line(const Cell& cell, const Regret& regret) {
  fmt::print("{:<15}{:>10}  {:<20}{:<20}{:>6.2f} [{:.2f}, {:.2f}]  itself [{:.2f}, {:.2f}]  {}\n",
             cell.shape.row.name, cell.bytes, cell.chosen, regret.best, regret.ratio.median,
             regret.ratio.low, regret.ratio.high, regret.itself.low, regret.itself.high,
             regret.is_within_tenth ? "" : "LOST");
}

struct Tally {
  int cells = 0, within = 0;
};

class Run {
 public:
  Run(motet::Communicator& comm, const Options& options)
      : comm_(comm),
        options_(options),
        bytes_(motet_perf::parse_bytes(options.largest)),
        bench_(comm, bytes_) {}

  Tally all() {
    for (const CollectiveRow& row : rows(options_.collectives)) {
      for (std::size_t bytes = motet_perf::parse_bytes(options_.smallest); bytes <= bytes_;
           bytes *= options_.factor) {
        one(row, bytes);
      }
    }
    return tally_;
  }

 private:
  void one(const CollectiveRow& row, std::size_t bytes) {
    const Cell cell = bench_.measure(row, bytes, options_.rounds, options_.sample_ms);
    const Regret regret = regret_of(cell);
    ++tally_.cells;
    tally_.within += static_cast<int>(regret.is_within_tenth);
    if (comm_.rank() != 0) return;
    if (options_.json) {
      print_json(cell, regret, comm_.transport(comm_.size() - 1));
    } else {
      print_line(cell, regret);
    }
    std::fflush(stdout);
  }

  motet::Communicator& comm_;
  const Options& options_;
  std::size_t bytes_;
  motet_tune::Bench bench_;
  Tally tally_;
};

int run(const Options& options) {
  if (motet_perf::parse_bytes(options.smallest) == 0) {
    throw std::invalid_argument("-b must be at least 1");
  }
  motet::Communicator comm = motet::Communicator::from_environment();
  if (comm.rank() == 0 && !options.json) {
    fmt::print("# {} ranks, {}; chosen / best by the median of {} rounds, 90 % interval\n",
               comm.size(), comm.transport(comm.size() - 1), options.rounds);
  }
  const Tally tally = Run(comm, options).all();
  if (comm.rank() == 0 && !options.json) {
    fmt::print("# within a tenth of the best: {} of {}\n", tally.within, tally.cells);
  }
  return 0;
}

}  // namespace
}  // namespace motet_regret

int main(int argc, char** argv) try {
  CLI::App app("How much is lost by the planner's choices, on the ranks that a launcher started.");
  motet_regret::Options options;
  motet_regret::describe(app, options);
  CLI11_PARSE(app, argc, argv);
  return motet_regret::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
