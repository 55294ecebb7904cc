// motet-tune: from measurements of this machine to a tuning file.
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/options.hpp"
#include "calibration.hpp"
#include "command_line.hpp"
#include "launch/launcher.hpp"
#include "runner.hpp"
#include "topology/discovery/machine_hash.hpp"

namespace motet_tune {
namespace {

// A file that is gone when its owner is.
class TemporaryFile {
 public:
  TemporaryFile() {
    path_ = (std::filesystem::temp_directory_path() / "motet-tune-XXXXXX").string();
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), path_);
    close(descriptor);
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// As a launcher would where there is a core for every rank: two on one core would wait a time slice
// for each message.
void bind(int rank, int ranks) {
  cpu_set_t allowed;
  if (ranks > usable_cores() || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int cpu = 0, left = rank; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(cpu, &mine);
    sched_setaffinity(0, sizeof mine, &mine);  // a wish: without it the times are less steady
    return;
  }
}

int run_rank(const CommandLine& line) {
  bind(line.launch.join_rank, line.launch.ranks);
  const motet_unique_id id = motet_perf::exchange_id(line.launch);
  motet_perf::Options options;
  options.launch = line.launch;
  options.how.transport = line.transports.front();
  motet::Communicator comm = motet_perf::join(&id, line.launch.join_rank, options);
  const std::vector<Row> rows = run(comm, line.probe);
  if (comm.rank() == 0) write_rows(line.rows_to, rows);
  return 0;
}

std::vector<Row> measure(const CommandLine& line, const char* program, int ranks,
                         const std::string& transport) {
  const TemporaryFile file;
  const std::vector<std::string> words{program,
                                       "--transport=" + transport,
                                       "--keep-rows=" + file.path(),
                                       fmt::format("-b{}", line.probe.smallest),
                                       fmt::format("-e{}", line.probe.largest),
                                       fmt::format("-f{}", line.probe.factor),
                                       fmt::format("--rounds={}", line.probe.rounds),
                                       fmt::format("--sample-ms={}", line.probe.sample_ms)};
  std::vector<const char*> arguments;
  arguments.reserve(words.size());
  for (const std::string& word : words) arguments.push_back(word.c_str());
  fmt::print(stderr, "motet-tune: measuring {} ranks over {} ...\n", ranks, transport);
  const int status = motet_launch::launch_processes(
      "motet-tune", ranks, static_cast<int>(arguments.size()), arguments.data());
  if (status != 0) throw std::runtime_error("a rank failed while it measured");
  return read_rows(file.path());
}

std::vector<Row> measure_all(const CommandLine& line, const char* program) {
  // Choices are those of the typical model, whatever tuning there may be already.
  setenv("MOTET_TUNING", "typical", 1);
  std::vector<Row> rows;
  for (const std::string& transport : line.transports) {
    for (const int ranks : line.ranks) {
      const std::vector<Row> some = measure(line, program, ranks, transport);
      rows.insert(rows.end(), some.begin(), some.end());
    }
  }
  return rows;
}

void write(const std::string& path, const std::string& text) {
  if (path.empty()) {
    fmt::print("{}", text);
    return;
  }
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
    std::filesystem::create_directories(folder);
  }
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error(fmt::format("{} could not be written", path));
}

std::string usual_path(const std::string& machine) {
  const std::string folder = motet::Options::from_environment().configuration;
  if (folder.empty()) throw std::runtime_error("--save: neither XDG_CONFIG_HOME nor HOME is set");
  return folder + "/" + machine + ".tuning";
}

int tune(const CommandLine& line, const char* program) {
  const std::vector<Row> rows =
      line.rows_from.empty() ? measure_all(line, program) : read_rows(line.rows_from);
  if (!line.rows_to.empty()) write_rows(line.rows_to, rows);
  Calibration found = calibrate(rows, usable_cores());
  found.tuning.model.type_factor = measure_type_factors();
  found.tuning.machine = motet::machine_hash();
  if (!line.keeps_rows) found.tuning.measured.clear();
  const std::string summary = fmt::format(
      "# {} measured calls; the model is off by {:.0f} % in the median (before: {:.0f} %); its "
      "choice is\n# within a tenth of the fastest in {} of {} cases.\n",
      rows.size(), 100 * found.error_after, 100 * found.error_before, found.within, found.cells);
  const std::string path = line.saves ? usual_path(found.tuning.machine) : line.output;
  write(path, "# By motet-tune " + std::string(motet_version()) + ".\n" + summary +
                  found.tuning.to_text());
  fmt::print(stderr, "{}", summary);
  if (!path.empty()) fmt::print(stderr, "motet-tune: wrote {}\n", path);
  return 0;
}

}  // namespace
}  // namespace motet_tune

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);
  const motet_tune::Parsed parsed = motet_tune::parse(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  const motet_tune::CommandLine& line = parsed.line;
  const bool is_rank = line.launch.start == motet_perf::Start::joining;
  return is_rank ? motet_tune::run_rank(line) : motet_tune::tune(line, argv[0]);
} catch (const std::exception& error) {
  fmt::print(stderr, "motet-tune: {}\n", error.what());
  return 1;
}
