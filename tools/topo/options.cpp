#include "options.hpp"

#include <CLI/CLI.hpp>

#include "base/options.hpp"

namespace motet_topo {
namespace {

constexpr int most_ranks = 4096;

constexpr auto notes =
    "Without --ranks or --load: what this process sees; under mpirun, srun or torchrun: what all "
    "ranks see,\nprinted by rank 0. HWLOC_XMLFILE shows a recorded machine.\n"
    "Exit status: 0; 1 after an error; 2 for arguments and files that make no sense.\n\n"
    "Options of the library, in the environment:\n";

void add_options(CLI::App& app, Options& options) {
  auto* json = app.add_flag("--json", options.json, "as JSON");
  app.add_flag("--dot", options.dot, "as a graph for Graphviz")->excludes(json);
  app.add_flag("--explain", options.explain, "why the planner chooses what, for each plan");
  app.add_flag("--reach", options.reach,
               "who reaches whom by which transport, and why not: every transport and address is "
               "tried")
      ->excludes("--dot");
  app.add_flag("!--no-plans", options.plans, "leave out what the planner would do");
  app.add_option("--svg", options.svg_file, "draw a picture into this file");
  app.add_option("--save", options.save_file, "write what was seen into this file, for --load");
  app.add_option("--xml", options.xml_file, "write this machine into this file, in hwloc's XML");
  app.add_option("--load", options.load_file, "show a file of --save, --xml or hwloc");
  app.add_option("--ranks", options.ranks,
                 "start so many ranks on this machine and show what they see together; with "
                 "--load: deal so many over its CPUs")
      ->check(CLI::Range(1, most_ranks));
  // How the launcher tells a rank that it started who it is.
  app.add_option("--join-rank", options.joining.rank)->group("");
  app.add_option("--join-ranks", options.joining.ranks)->group("");
  app.add_option("--join-descriptor", options.joining.descriptor)->group("");
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  Parsed parsed;
  CLI::App app("Shows what Motet sees of a machine, and what it would do on it.", "motet-topo");
  app.footer(notes + motet::option_help());
  add_options(app, parsed.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace motet_topo
