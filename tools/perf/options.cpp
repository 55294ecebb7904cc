#include "options.hpp"

#include <motet/motet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <thread>

#include "base/options.hpp"
#include "launched.hpp"

namespace motet_perf {
namespace {

// The words as typed, before they are understood.
struct Words {
  std::string collective, type = "float32", op = "sum", smallest = "8", largest, step;
  std::vector<std::string> sizes;
  std::string memory = "private";
  bool json = false, csv = false, threads = false;
  int ranks = 0, join_ranks = 0;
};

constexpr auto notes =
    "Sizes are those of nccl-tests: for allgather, reduce_scatter, alltoall, gather and scatter "
    "the\n"
    "bytes of all parts together. Suffixes K, M, G are powers of 1024; GB/s are 1e9 bytes.\n"
    "A file for --replay lists the calls of one step of training. Each begins at once; wait waits "
    "for\n"
    "all that have begun, as the end does. Elements are counted as sizes are:\n"
    "  allreduce float32 sum 2049000   # of collectives that reduce: type, op, elements\n"
    "  wait\n"
    "  allgather bfloat16 12582912     # of all others: type, elements; barrier stands alone\n"
    "Every call is measured alone, then the step: allreduce, broadcast and reduce in place there.\n"
    "Without --ranks: the ranks that mpirun, srun or torchrun started, else one per core, at least "
    "2.\n"
    "Exit status: 0; 1 after an error or wrong data; 2 for arguments that make no sense.\n\n"
    "Options of the library, in the environment:\n";

// CLI's own ranges name the largest double as their end.
CLI::Validator at_least(int least) {
  const auto complaint = [least](const std::string& word) {
    int number = least;  // what is no number is refused later
    std::from_chars(word.data(), word.data() + word.size(), number);
    return number < least ? word + " is less than " + std::to_string(least) : std::string();
  };
  return {complaint, ""};
}

void add_what(CLI::App& app, Words& words, Options& options) {
  app.add_option("collective", words.collective,
                 "allreduce, allgather, reduce_scatter, broadcast, reduce, alltoall, gather, "
                 "scatter, their v-forms (allgatherv, ...), sendrecv, barrier or all");
  app.add_option("--replay", options.replay_file, "the calls of a file instead (see below)");
  app.add_option("-b,--minbytes", words.smallest, "smallest size")->capture_default_str();
  app.add_option("-e,--maxbytes", words.largest, "largest size (default 64M)");
  auto* step = app.add_option("-i,--stepbytes", words.step, "bytes between sizes");
  app.add_option("-f,--stepfactor", options.sizes.factor, "factor between sizes")
      ->check(CLI::Range(2, 1 << 20))
      ->excludes(step)
      ->capture_default_str();
  app.add_option("--sizes", words.sizes, "a list instead: 8,16K,1M")->delimiter(',');
  app.add_option("-d,--datatype", words.type, "int8 ... float64 or all")->capture_default_str();
  app.add_option("-o,--op", words.op, "sum, prod, min, max, avg, premul_sum, and, or, xor or all")
      ->capture_default_str();
  app.add_option("-r,--root", options.root, "root of broadcast, reduce, gather and scatter")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option(
         "--skew", options.skew_percent,
         "v-forms: parts grow from so many % less than the mean at rank 0 to so many % more "
         "at the last rank; of alltoallv, what every rank sends there")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
}

void add_how(CLI::App& app, Words& words, Options& options) {
  app.add_option("-n,--iters", options.repeats.iterations,
                 "calls per size (default: what fits into --row-ms, at least 5)")
      ->check(at_least(1));
  app.add_option("--row-ms", options.repeats.row_ms, "timed part of a size, ms")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_option("--batch-ms", options.repeats.batch_ms,
                 "calls follow one another for so long at least, ms: where a shaper lets bursts "
                 "pass, longer than those take")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_option("-w,--warmup_iters", options.repeats.warmup, "calls before, not timed")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("-c,--check", options.repeats.checks, "rounds whose results are checked")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_flag("--fresh", options.repeats.fresh,
               "rewrite inputs and read outputs between calls (outside the timed part)");
  app.add_flag(
      "--one-clock", options.repeats.one_clock,
      "ranks of one machine: time fresh calls from the first rank's begin to the last's end");
  app.add_flag("--start-together", options.repeats.start_together,
               "the same, and let all begin at the same time; needs a core for each");
  app.add_flag("--out-of-place", options.repeats.out_of_place_only, "leave out calls in place");
  app.add_option("--algorithm", options.how.algorithm, "instead of the planner's choice");
  app.add_option("--transport", options.how.transport, "for instance shm,tcp or tcp");
  app.add_flag("--plan", options.how.planned, "bind timed calls once and run them by their plan");
  app.add_option("--timeout", options.how.timeout_ms, "of one call, ms")->check(at_least(1));
  app.add_option("--memory", words.memory, "private (malloc) or shared (motet_mem_alloc) buffers")
      ->check(CLI::IsMember({"private", "shared"}))
      ->capture_default_str();
}

void add_start(CLI::App& app, Words& words, Options& options) {
  app.add_option("--ranks", words.ranks, "start so many ranks on this machine")->check(at_least(1));
  app.add_flag("--threads", words.threads, "ranks are threads of one process");
  auto* json = app.add_flag("--json", words.json, "one JSON object a line");
  app.add_flag("--csv", words.csv, "comma-separated values")->excludes(json);
  app.add_flag("--explain", options.explain, "print why the planner chooses what; measure nothing");
  // How the launcher tells a rank that it started who it is.
  auto& launch = options.launch;
  app.add_option("--join-rank", launch.join_rank)->group("");
  app.add_option("--join-ranks", words.join_ranks)->group("");
  app.add_option("--join-descriptor", launch.join_descriptor)->group("");
}

void understand_sizes(const Words& words, Sizes& sizes) {
  for (const std::string& word : words.sizes) sizes.list.push_back(parse_bytes(word));
  std::ranges::sort(sizes.list);
  sizes.smallest = parse_bytes(words.smallest);
  if (!words.step.empty()) {
    sizes.step_bytes = parse_bytes(words.step);
    if (sizes.step_bytes == 0) throw std::invalid_argument("-i must be at least 1");
  }
  if (words.largest.empty()) {
    sizes.largest = std::max(sizes.largest, sizes.smallest);
    return;
  }
  sizes.largest = parse_bytes(words.largest);
  if (sizes.largest < sizes.smallest)
    throw std::invalid_argument("-e " + words.largest + " is smaller than -b " + words.smallest);
}

void understand_launch(const Words& words, Launch& launch) {
  if (launch.join_descriptor >= 0) {
    launch.start = Start::joining;
    launch.ranks = words.join_ranks;
  } else if (const int around = launched_ranks(); around > 0) {
    if (words.threads || (words.ranks > 0 && words.ranks != around))
      throw std::invalid_argument("the environment says that " + std::to_string(around) +
                                  " ranks were started: leave out --ranks and --threads, or unset "
                                  "RANK and WORLD_SIZE");
    launch.start = Start::environment;
    launch.ranks = around;
  } else {
    launch.start = words.threads ? Start::threads : Start::processes;
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    launch.ranks = words.ranks > 0 ? words.ranks : std::max(2, cores);
  }
}

// The file says all of it.
void expect_no_more_than_a_replay(const CLI::App& app) {
  for (const char* name : {"collective", "-b", "-e", "-i", "-f", "--sizes", "-d", "-o"}) {
    if (app.count(name) > 0)
      throw std::invalid_argument(std::string(name) +
                                  " cannot be given with --replay: its file says it");
  }
}

void understand(const Words& words, Options& options) {
  if (!options.replay_file.empty()) {
    options.replay = read_replay(options.replay_file);
  } else if (words.collective.empty()) {
    throw std::invalid_argument("say what to measure: a collective, all or --replay FILE");
  } else {
    options.collectives = collectives_named(words.collective);
  }
  options.types = types_named(words.type);
  options.ops = ops_named(words.op);
  options.how.shared_memory = words.memory == "shared";
  options.format = words.json ? Format::json : words.csv ? Format::csv : Format::table;
  understand_sizes(words, options.sizes);
  understand_launch(words, options.launch);
  if (options.root >= options.launch.ranks)
    throw std::invalid_argument("root " + std::to_string(options.root) + " with " +
                                std::to_string(options.launch.ranks) + " ranks");
  const bool any_defined =
      std::any_of(options.ops.begin(), options.ops.end(), [&](const OpRow& op) {
        return is_defined(op, options.types.front()) || is_defined(op, options.types.back());
      });
  if (!any_defined)
    throw std::invalid_argument("op " + words.op + " is not defined for type " + words.type);
}

}  // namespace

std::vector<std::size_t> sizes_of(const Sizes& sizes) {
  if (!sizes.list.empty()) return sizes.list;
  std::vector<std::size_t> result;
  const auto after = [&](std::size_t bytes) {
    if (sizes.step_bytes != 0) return bytes + sizes.step_bytes;
    return bytes == 0 ? Sizes{}.smallest : bytes * sizes.factor;
  };
  for (std::size_t bytes = sizes.smallest; bytes <= sizes.largest;) {
    result.push_back(bytes);
    const std::size_t next = after(bytes);
    if (next <= bytes) break;  // beyond what fits
    bytes = next;
  }
  return result;
}

Parsed parse(int argc, const char* const* argv) {
  Words words;
  Parsed parsed;
  CLI::App app("Measures Motet's collectives and checks their results.", "motet-perf");
  app.set_version_flag("--version", motet_version());
  app.footer(notes + motet::option_help());
  add_what(app, words, parsed.options);
  add_how(app, words, parsed.options);
  add_start(app, words, parsed.options);
  try {
    app.parse(argc, argv);
    if (app.count("--replay") > 0) expect_no_more_than_a_replay(app);
    understand(words, parsed.options);
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    std::cerr << "motet-perf: " << error.what() << "\n";
    parsed.exit_status = 2;
  }
  return parsed;
}

}  // namespace motet_perf
