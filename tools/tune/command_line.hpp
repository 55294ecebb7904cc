// What the command line of motet-tune asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "probe.hpp"

namespace motet_tune {

struct CommandLine {
  std::vector<int> ranks;
  std::vector<std::string> transports{"shm", "tcp"};
  Probe probe;
  std::string output;      // "": standard output
  bool saves = false;      // to where the library looks for this machine's
  std::string rows_from;   // rows that were measured before, instead of measuring
  bool keeps_rows = true;  // writes measured times too
  // Of a rank that motet-tune has started.
  motet_perf::Launch launch;
  std::string rows_to;
};

// That the ranks may use together.
int usable_cores();

// Either what is asked for, or the status to exit with at once.
struct Parsed {
  CommandLine line;
  std::optional<int> exit_status;
};
Parsed parse(int argc, const char* const* argv);

}  // namespace motet_tune
