#include "base/options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>
#include <numeric>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"

namespace motet {
namespace {

constexpr int unlimited = std::numeric_limits<int>::max();

struct Integer {
  int Options::*member;
  int least, most;
};
struct PowerOfTwo {
  int Options::*member;
  int most;
};
struct Text {
  std::string Options::*member;
};
struct Flag {
  bool Options::*member;
};
struct Level {
  std::string Options::*member;
};

struct Ports {
  PortRange Options::*member;
};

struct Setting {
  OptionRow row;
  std::variant<Integer, PowerOfTwo, Text, Flag, Level, Ports> target;
};

// Slots, blocks and lines: what shared memory can hold (transport/shm/layout.cpp), so that a value
// is refused by its name and not deep in the set-up of a transport.
constexpr std::array<Setting, 24> settings{{
    {{"MOTET_TRANSPORT", "list", "", "",
      "Transports in order of preference: shm,tcp. Empty: shm, tcp and what the NICs found here "
      "speak."},
     Text{&Options::transport}},
    {{"MOTET_INTERFACE", "list", "", "",
      "Network interfaces that other ranks are told of: eth0,ib*, or all but ^docker*,lo. "
      "Transport "
      "ofi also takes the names of RDMA devices. Empty: all that are up."},
     Text{&Options::interfaces}},
    {{"MOTET_RAILS", "list", "", "",
      "Network interfaces over which large messages are dealt: eth0,eth1. \"none\": one network. "
      "Empty: the NICs nearest to the rank, if there are several alike. Those that are named are "
      "also used by ofi."},
     Text{&Options::rails}},
    // Which ports a firewall lets through shows nowhere on the hosts themselves.
    {{"MOTET_PORT_RANGE", "ports", "", "",
      "TCP ports to listen on: 20000-20100. Each rank needs one and one for each rail, "
      "rank 0 two more. Empty: any."},
     Ports{&Options::ports}},
    {{"MOTET_OFI_PROVIDER", "name", "", "",
      "Provider of libfabric for transport ofi, as fi_info names it: \"verbs;ofi_rxm\". Empty: the "
      "best there is (docs/libfabric.md)."},
     Text{&Options::ofi_provider}},
    {{"MOTET_ALGORITHM", "name", "", "",
      "Algorithm to use wherever it supports the problem. Empty: the planner chooses."},
     Text{&Options::algorithm}},
    // Which switches and pods hosts hang on shows nowhere on the hosts themselves.
    {{"MOTET_TOPOLOGY", "path", "", "",
      "File of rank 0 that says which pods, switches or sites hosts belong to (docs/topology.md)."},
     Text{&Options::topology}},
    // Nor does how fast the ways between hosts are, or what lies on them.
    {{"MOTET_FABRIC", "path", "", "",
      "File of rank 0 that says what joins the ranks and how fast (docs/fabrics.md), by which all "
      "ranks plan."},
     Text{&Options::fabric}},
    {{"MOTET_TUNING", "path", "", "",
      "Tuning file of rank 0's machine, by which all ranks plan. Empty: the one that motet-tune "
      "--save wrote for it, if any. \"typical\": none."},
     Text{&Options::tuning}},
    {{"MOTET_SLOTS", "integer", "8", "blocks",
      "Large blocks a rank has under way in shared memory (a soft limit)."},
     Integer{&Options::slots, 1, 64}},
    {{"MOTET_BLOCK_KIB", "integer", "128", "KiB", "Longest block that a step moves at once."},
     Integer{&Options::block_kib, 1, 1024}},
    {{"MOTET_RING_LINES", "integer", "64", "messages",
      "Small messages under way per pair of ranks, a power of two."},
     PowerOfTwo{&Options::ring_lines, 65536}},
    {{"MOTET_READ_PEERS", "integer", "1", "",
      "Whether large blocks are read where their sender has them, by process_vm_readv or by a "
      "fabric: 0 never (for sandboxes that kill for the attempt), 1 where it may pay, 2 also where "
      "UCX only copies them."},
     Integer{&Options::read_peers, 0, 2}},
    {{"MOTET_SETUP_TIMEOUT_MS", "integer", "120000", "ms",
      "How long ranks wait for each other when a communicator is made."},
     Integer{&Options::setup_timeout_ms, 1, unlimited}},
    {{"MOTET_TIMEOUT_MS", "integer", "1800000", "ms",
      "How long one collective may take before it fails."},
     Integer{&Options::timeout_ms, 1, unlimited}},
    // Whether its caller computes between start and wait only the program knows, and a thread more
    // takes time from those that compute.
    {{"MOTET_PROGRESS_THREAD", "flag", "0", "",
      "1: calls that were started go on while their callers compute, by a thread for each rank."},
     Flag{&Options::progress_thread}},
    {{"MOTET_LOG", "level", "warning", "",
      "Least important lines to log: error, warning, info or debug."},
     Level{&Options::log_level}},
    {{"MOTET_FAULT", "list", "", "",
      "Faults to inject, for tests: seed=7,delay=3,full=0.1,reorder=0.2,kill=1000."},
     Text{&Options::fault}},
    {{"MOTET_BLOCKWISE", "flag", "1", "",
      "0 runs every step as a whole instead of block by block, for tests: no message may be longer "
      "than the blocks that fit into the slots."},
     Flag{&Options::blockwise}},
    {{"MASTER_ADDR", "address", "", "",
      "Host on which rank 0 listens while ranks find each other."},
     Text{&Options::master_address}},
    {{"MASTER_PORT", "integer", "", "port", "Its port."}, Integer{&Options::master_port, 1, 65535}},
    {{"MOTET_SECRET_FILE", "path", "", "",
      "File (mode 0600) with the secret by which ranks know each other."},
     Text{&Options::secret_file}},
    {{"MOTET_SECRET", "text", "", "", "The secret itself; removed from the environment once read."},
     Text{&Options::secret}},
    {{"MOTET_INSECURE", "flag", "0", "",
      "1 goes on without a secret between hosts, with a warning."},
     Flag{&Options::insecure}},
}};

constexpr auto rows = [] {
  std::array<OptionRow, settings.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = settings[i].row;
  return all;
}();

// What launchers tell a process about itself; the first that has set its rank counts, and only that
// one.
struct Launcher {
  const char* rank;
  const char* world_size;
  const char* local_rank;
};
constexpr std::array<Launcher, 4> launchers{
    {{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
     {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
     {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
     {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}}};

[[noreturn]] void reject(std::string_view name, std::string_view value, std::string_view expected) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("environment: {}={}: expected {}", name, value, expected));
}

int parse_integer(std::string_view name, std::string_view value, int least, int most) {
  int number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc{} || end != value.data() + value.size() || number < least ||
      number > most) {
    const std::string expected = most == unlimited
                                     ? fmt::format("an integer, at least {}", least)
                                     : fmt::format("an integer from {} to {}", least, most);
    reject(name, value, expected);
  }
  return number;
}

struct Assign {
  Options& options;
  std::string_view name, value;

  void operator()(const Integer& to) const {
    options.*to.member = parse_integer(name, value, to.least, to.most);
  }
  void operator()(const PowerOfTwo& to) const {
    const int number = parse_integer(name, value, 1, to.most);
    if (!std::has_single_bit(static_cast<unsigned>(number))) {
      reject(name, value, fmt::format("a power of two from 1 to {}", to.most));
    }
    options.*to.member = number;
  }
  void operator()(const Text& to) const { options.*to.member = value; }
  void operator()(const Flag& to) const {
    if (value != "0" && value != "1") reject(name, value, "0 or 1");
    options.*to.member = value == "1";
  }
  void operator()(const Level& to) const {
    if (!log_level_from(value)) reject(name, value, log_level_words);
    options.*to.member = value;
  }
  void operator()(const Ports& to) const {
    const auto ports = PortRange::from_text(value);
    if (!ports) reject(name, value, "ports like 20000-20100, from 1 to 65535");
    options.*to.member = *ports;
  }
};

// Levenshtein's, row by row.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

bool is_known(std::string_view name) {
  return std::any_of(rows.begin(), rows.end(),
                     [name](const OptionRow& row) { return row.name == name; });
}

std::string_view nearest_name(std::string_view name) {
  return std::min_element(rows.begin(), rows.end(),
                          [name](const OptionRow& a, const OptionRow& b) {
                            return edit_distance(name, a.name) < edit_distance(name, b.name);
                          })
      ->name;
}

void reject_unknown_names() {
  constexpr std::string_view ours = "MOTET_";
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    if (name.substr(0, ours.size()) != ours || is_known(name)) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("environment: {} is not an option of Motet; did you mean {}?", name,
                            nearest_name(name)));
  }
}

std::optional<int> launcher_number(const char* name, int least) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return parse_integer(name, value, least, unlimited);
}

// "PPid:" of /proc/PID/status; 0 when it cannot be seen.
pid_t parent_of(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string word; status >> word;) {
    pid_t parent = 0;
    if (word == "PPid:" && status >> parent) return parent;
  }
  return 0;
}

bool environment_has(pid_t process, std::string_view variable) {
  std::ifstream environment(fmt::format("/proc/{}/environ", process));
  for (std::string entry; std::getline(environment, entry, '\0');) {
    if (entry.starts_with(fmt::format("{}=", variable))) return true;
  }
  return false;
}

// The first ancestor that is no rank itself: scripts may stand between.
int launcher_of_this_process(std::string_view rank_variable) {
  pid_t process = getppid();
  while (process > 1 && environment_has(process, rank_variable)) process = parent_of(process);
  return process;
}

void read_launcher(Options& options) {
  const auto* used = std::find_if(launchers.begin(), launchers.end(), [](const Launcher& launcher) {
    return std::getenv(launcher.rank) != nullptr;
  });
  if (used == launchers.end()) {
    // Launchers' own are there without a rank where nothing was launched, as in salloc's shell.
    // This one matters to those who meet by it alone.
    options.world_size = launcher_number("WORLD_SIZE", 1);
    return;
  }
  options.launcher = launcher_of_this_process(used->rank);
  const char* const agent_store = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  options.has_agent_store = agent_store != nullptr && std::string_view(agent_store) == "True";
  options.rank = launcher_number(used->rank, 0);
  options.world_size = launcher_number(used->world_size, 1);
  options.local_rank = launcher_number(used->local_rank, 0);
  if (options.world_size && *options.rank >= *options.world_size) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("environment: {}={} must be below {}={}", used->rank, *options.rank,
                            used->world_size, *options.world_size));
  }
}

// Children must not inherit the secret, nor /proc/<pid>/environ show it; later communicators of
// this process need it.
void hide_secret(Options& options) {
  static std::mutex mutex;  // guards kept
  static std::string kept;
  const std::scoped_lock lock(mutex);
  if (char* value = std::getenv("MOTET_SECRET"); value != nullptr) {
    kept = options.secret;
    explicit_bzero(value, std::strlen(value));
    unsetenv("MOTET_SECRET");
  }
  options.secret = kept;
}

std::string configuration_folder() {
  if (const char* given = std::getenv("XDG_CONFIG_HOME"); given != nullptr && *given == '/') {
    return std::string(given) + "/motet";
  }
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home != '/' ? "" : std::string(home) + "/.config/motet";
}

}  // namespace

Options Options::from_environment() {
  Options options;
  for (const Setting& setting : settings) {
    const char* value =
        std::getenv(setting.row.name.data());  // names are literals: they end with a zero
    if (value != nullptr) std::visit(Assign{options, setting.row.name, value}, setting.target);
  }
  options.configuration = configuration_folder();
  hide_secret(options);
  reject_unknown_names();
  read_launcher(options);
  return options;
}

std::span<const OptionRow> option_table() {
  return rows;
}

std::string option_help() {
  std::string help;
  for (const OptionRow& row : rows) {
    const std::string type =
        row.unit.empty() ? std::string(row.type) : fmt::format("{} ({})", row.type, row.unit);
    help += fmt::format("  {:<23}{:<19}{}{}\n", row.name, type, row.sentence,
                        row.standard.empty() ? "" : fmt::format(" Default: {}.", row.standard));
  }
  return help;
}

}  // namespace motet
