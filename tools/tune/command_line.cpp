#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "execute/waiting.hpp"
#include "vocabulary.hpp"

namespace motet_tune {
namespace {

constexpr auto about =
    "Measures every algorithm on this machine, finds the cost model that explains the times best "
    "and writes it as a tuning file, by which the planner chooses from then on.";
constexpr auto footer =
    "The library reads the file that MOTET_TUNING names, else MACHINE.tuning in\n"
    "~/.config/motet and /etc/motet, where MACHINE is the hash that the file gives.\n"
    "Let nothing else run meanwhile. Exit status: 0; 1 after an error; 2 for arguments that make\n"
    "no sense.";

}  // namespace

int usable_cores() {
  const auto cpus = static_cast<int>(motet::allowed_cpus().size());
  return std::max(1, std::min(cpus, motet::quota_cores()));
}

namespace {

// Two ranks, all cores (at most 16), twice as many ranks as cores (likewise), and 8.
std::vector<int> usual_ranks() {
  const int cores = usable_cores();
  std::vector<int> ranks{2, std::min(cores, 16), std::min(2 * cores, 16), 8};
  std::ranges::sort(ranks);
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  std::erase(ranks, 1);
  return ranks;
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  CLI::App app(about, "motet-tune");
  app.footer(footer);
  app.set_version_flag("--version", motet_version());
  Parsed parsed;
  CommandLine& line = parsed.line;
  std::string smallest = "1K", largest = "64M";
  int join_ranks = 0;
  app.add_option("--ranks", line.ranks,
                 "numbers of ranks to measure (default 2, 8, as many as cores and twice "
                 "as many, at most 16)")
      ->delimiter(',')
      ->check(CLI::Range(2, 512));
  app.add_option("--transport", line.transports, "transports to measure")
      ->delimiter(',')
      ->check(CLI::IsMember({"shm", "tcp"}))
      ->capture_default_str();
  app.add_option("-b,--minbytes", smallest, "smallest size")->capture_default_str();
  app.add_option("-e,--maxbytes", largest, "largest size")->capture_default_str();
  app.add_option("-f,--stepfactor", line.probe.factor, "factor between sizes")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--rounds", line.probe.rounds, "turns of each algorithm")
      ->check(CLI::Range(3, 1000))
      ->capture_default_str();
  app.add_option("--sample-ms", line.probe.sample_ms, "calls of one turn together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto* output =
      app.add_option("-o,--output", line.output, "file to write (default: standard output)");
  app.add_flag("--save", line.saves, "write it where the library looks for this machine's")
      ->excludes(output);
  app.add_option("--rows", line.rows_from, "measure nothing: take these rows (--keep-rows wrote)");
  app.add_option("--keep-rows", line.rows_to, "also leave the measured rows in this file");
  app.add_flag("!--model-only", line.keeps_rows, "leave measured times out of the tuning");
  app.add_option("--join-rank", line.launch.join_rank)->group("");
  app.add_option("--join-ranks", join_ranks)->group("");
  app.add_option("--join-descriptor", line.launch.join_descriptor)->group("");
  try {
    app.parse(argc, argv);
    line.probe.smallest = motet_perf::parse_bytes(smallest);
    line.probe.largest = motet_perf::parse_bytes(largest);
    if (line.probe.smallest == 0 || line.probe.smallest > line.probe.largest) {
      throw CLI::ValidationError("-b", "must be at least 1 and at most -e");
    }
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    parsed.exit_status = app.exit(CLI::ValidationError("-b, -e", error.what())) == 0 ? 0 : 2;
  }
  if (line.ranks.empty()) line.ranks = usual_ranks();
  if (line.launch.join_descriptor >= 0) {
    line.launch.start = motet_perf::Start::joining;
    line.launch.ranks = join_ranks;
  }
  return parsed;
}

}  // namespace motet_tune
