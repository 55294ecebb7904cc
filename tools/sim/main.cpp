// motet-sim: how long a collective takes on a fabric.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "base/error.hpp"
#include "fabrics/fabric_file.hpp"
#include "sim/options.hpp"
#include "sim/report.hpp"
#include "sim/search.hpp"
#include "sim/timeline.hpp"

namespace motet_sim {
namespace {

constexpr int failure = 1;
constexpr int senseless = 2;  // arguments

void draw(const Options& options, const motet::Fabric& fabric, motet::Problem problem,
          const Candidate& best) {
  problem.params = best.params;
  motet::SimulationOptions how = options.simulation;
  how.timeline = true;
  how.fold = false;
  const motet::Simulation result = motet::simulate(fabric, *best.algorithm, problem, how);
  std::ofstream file(options.svg);
  file << timeline_svg(fabric, problem, best, result.timeline);
  file.close();
  if (!file) throw std::runtime_error("cannot write " + options.svg);
}

void run(const Options& options) {
  const motet::Fabric fabric = motet::load_fabric(options.fabric, options.settings);
  if (options.root >= fabric.world_size()) {
    throw std::invalid_argument(
        fmt::format("root {} with {} ranks", options.root, fabric.world_size()));
  }
  const motet::Collective collective = problem_for(options, fabric, 0).collective;
  const motet::Bound bound = motet::bound(fabric, collective, options.root);
  const auto report = make_report(options, fabric, bound, stdout);
  for (const std::size_t size : motet_perf::sizes_of(options.sizes)) {
    const motet::Problem problem = problem_for(options, fabric, size);
    const Found found = find_best(options, fabric, problem);
    report->add(motet::total_bytes(problem), found);
    if (!options.svg.empty()) draw(options, fabric, problem, found.candidates.front());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::runtime_error("the results could not be written");
}

int complain(const char* what, int status) {
  fmt::print(stderr, "motet-sim: {}\n", what);
  return status;
}

}  // namespace
}  // namespace motet_sim

int main(int argc, char** argv) {
  using namespace motet_sim;
  const Parsed parsed = parse(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  try {
    run(parsed.options);
    return 0;
  } catch (const motet::Error& error) {  // the fabric, or the algorithm: arguments both
    return complain(error.what(), senseless);
  } catch (const std::invalid_argument& error) {
    return complain(error.what(), senseless);
  } catch (const std::bad_alloc&) {
    return complain("not enough memory; choose fewer ranks", failure);
  } catch (const std::exception& error) {
    return complain(error.what(), failure);
  }
}
