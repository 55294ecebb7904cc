// motet-perf: measures the collectives and checks their results. The steps are parse, start the
// ranks, run.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>

#include "launch/launcher.hpp"
#include "options.hpp"
#include "runner.hpp"

namespace motet_perf {
namespace {

constexpr int failure = 1;
constexpr int senseless = 2;  // arguments

// What `act` returns, or a failure after its error was printed.
template <class Act>
int reporting_errors(Act&& act) {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "motet-perf: not enough memory; choose a smaller -e\n");
  } catch (const motet::Error& error) {
    fmt::print(stderr, "motet-perf: {}\n", error.what());
    return error.status() == motet_invalid_argument ? senseless : failure;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "motet-perf: {}\n", error.what());
    return senseless;
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-perf: {}\n", error.what());
  }
  return failure;
}

int run_rank(const motet_unique_id* id, int rank, const Options& options) {
  return reporting_errors([&] {
    motet::Communicator comm = join(id, rank, options);
    const bool right = run(comm, options);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      throw std::runtime_error("the results could not be written");
    return right ? 0 : failure;
  });
}

int run_threads(const Options& options) {
  const motet_unique_id id = motet::unique_id();
  return motet_launch::launch_threads(options.launch.ranks,
                                      [&](int rank) { return run_rank(&id, rank, options); });
}

int start(const Options& options, int argc, const char* const* argv) {
  const Launch& launch = options.launch;
  switch (launch.start) {
    case Start::processes:
      return motet_launch::launch_processes("motet-perf", launch.ranks, argc, argv);
    case Start::threads:
      return run_threads(options);
    case Start::joining: {
      const motet_unique_id id = exchange_id(launch);
      return run_rank(&id, launch.join_rank, options);
    }
    case Start::environment:
      return run_rank(nullptr, 0, options);
  }
  return failure;
}

}  // namespace
}  // namespace motet_perf

int main(int argc, char** argv) {
  // A peer that is gone is an error to report, not a signal to die of.
  std::signal(SIGPIPE, SIG_IGN);
  const motet_perf::Parsed parsed = motet_perf::parse(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  return motet_perf::reporting_errors(
      [&] { return motet_perf::start(parsed.options, argc, argv); });
}
