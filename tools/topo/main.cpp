// motet-topo: shows machines and what the planner would do on them. The steps are parse, start the
// ranks, gather what they see, print.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "base/error.hpp"
#include "base/options.hpp"
#include "bootstrap/secret.hpp"
#include "gather.hpp"
#include "launch/launcher.hpp"
#include "options.hpp"
#include "picture.hpp"
#include "plans.hpp"
#include "print.hpp"
#include "print_reach.hpp"
#include "topology/discovery/discover.hpp"

namespace motet_topo {
namespace {

constexpr int failure = 1;
constexpr int senseless = 2;  // arguments and files

// What `act` returns, or a failure after its error was printed.
template <class Act>
int reporting_errors(Act&& act) {
  try {
    return act();
  } catch (const motet::Error& error) {
    fmt::print(stderr, "motet-topo: {}\n", error.what());
    return error.code() == motet::ErrorCode::invalid_argument ? senseless : failure;
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-topo: {}\n", error.what());
  }
  return failure;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) throw std::runtime_error(fmt::format("{} cannot be written", path));
}

void print(const std::string& text) {
  fmt::print("{}", text);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::runtime_error("the result could not be written");
  }
}

void show(const View& view, const Options& options) {
  if (!options.save_file.empty()) write_file(options.save_file, view.survey.to_text());
  if (!options.svg_file.empty()) write_file(options.svg_file, to_svg(view));
  const std::vector<Plan> plans = options.plans ? plans_for(view) : std::vector<Plan>();
  std::string text;
  if (options.json) {
    text = to_json(view, plans);
  } else if (options.dot) {
    text = to_dot(view);
  } else {
    text = to_text(view, plans);
    if (options.explain) text += fmt::format("\n{}", explanations(view));
  }
  print(text);
}

motet::Meeting meet(const Options& options) {
  const auto library = motet::Options::from_environment();
  const auto deadline = motet::Deadline::after(std::chrono::milliseconds(library.setup_timeout_ms));
  if (options.joining.descriptor < 0) return motet::meet_by_environment(library, deadline);
  const auto word = motet_launch::share_word(options.joining, [&] {
    const std::string id = motet::create_unique_id(motet::listen_on(library)).to_text();
    motet_launch::Word bytes{};
    if (id.size() >= bytes.size()) throw std::runtime_error("the unique id is too long");
    std::ranges::copy(id, bytes.begin());
    return bytes;
  });
  return motet::meet_by_id(motet::UniqueId::from_text(word.data()), options.joining.rank,
                           options.joining.ranks, deadline);
}

// Some cannot reach others: a failure, after everything was shown.
int show_reach(motet::Meeting meeting, const Options& options) {
  const motet::Reach reach = probe_together(meeting);
  if (meeting.rank == 0) print(options.json ? to_json(reach) : to_text(reach));
  return reach.joined ? 0 : failure;
}

int show_together(const Options& options) {
  motet::Meeting meeting = meet(options);
  if (options.reach) return show_reach(std::move(meeting), options);
  const bool prints = meeting.rank == 0;
  const View view = look_together(std::move(meeting));
  if (prints) show(view, options);
  return 0;
}

int run(const Options& options, int argc, const char* const* argv) {
  if (options.joining.descriptor >= 0) return show_together(options);
  const auto library = motet::Options::from_environment();
  if (!options.xml_file.empty() && library.rank.value_or(0) == 0) {
    const bool recorded = !options.load_file.empty();
    motet::write_xml({.xml = recorded ? options.load_file : ""}, options.xml_file);
  }
  if (options.reach && options.ranks == 0 && !library.world_size) {
    throw motet::Error(motet::ErrorCode::invalid_argument,
                       "--reach needs ranks: give --ranks, or use mpirun, srun or torchrun");
  }
  if (!options.load_file.empty()) {
    show(load(options.load_file, options.ranks), options);
    return 0;
  }
  if (library.world_size) return show_together(options);
  if (options.ranks > 0) {
    return motet_launch::launch_processes("motet-topo", options.ranks, argc, argv);
  }
  show(look_here(), options);
  return 0;
}

}  // namespace
}  // namespace motet_topo

int main(int argc, char** argv) {
  // A peer that is gone is an error to report, not a signal to die of.
  std::signal(SIGPIPE, SIG_IGN);
  const motet_topo::Parsed parsed = motet_topo::parse(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  return motet_topo::reporting_errors([&] { return motet_topo::run(parsed.options, argc, argv); });
}
