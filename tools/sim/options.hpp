// What the command line of motet-sim asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "perf/options.hpp"
#include "perf/vocabulary.hpp"
#include "planner/fabric_plan.hpp"
#include "schedule/problem.hpp"
#include "simulate/simulate.hpp"

namespace motet_sim {

enum class Show { best, all };  // of each size: the best algorithm, or every one

// Blocks as the executor has them, but no more of them per message than keep gigabytes affordable.
inline constexpr std::size_t usual_block_bytes = std::size_t{128} << 10U;

struct Options {
  motet_perf::CollectiveRow collective{};
  motet_perf::TypeRow type{};
  motet_perf::Sizes sizes;
  int root = 0;
  std::string fabric;                 // a name or a path
  std::vector<std::string> settings;  // "roce=25GB/s"
  std::string algorithm;              // "": all
  // What is said of parameters is not searched.
  std::optional<motet::Params> params;
  motet::SimulationOptions simulation{.block_bytes = usual_block_bytes,
                                      .most_blocks = motet::most_pieces};
  Show show = Show::best;
  bool json = false;
  std::string svg;  // a file; "": none
};

// "chunks=4,channels=2,mover=receiver". Throws std::invalid_argument.
motet::Params parse_params(const std::string& words);
std::string to_text(const motet::Params& params);  // "" for the usual ones

// Either what is asked for, or the status to exit with at once (help was printed, or what is wrong
// with the arguments).
struct Parsed {
  Options options;
  std::optional<int> exit_status;
};
Parsed parse(int argc, const char* const* argv);

}  // namespace motet_sim
