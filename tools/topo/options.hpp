// What the command line asks for.
#pragma once

#include <optional>
#include <string>

#include "launch/launcher.hpp"

namespace motet_topo {

struct Options {
  int ranks = 0;  // to start on this machine, or to deal over a loaded one; 0: neither
  motet_launch::Joining joining;  // descriptor >= 0: a rank that this program has started
  bool json = false, dot = false, explain = false, plans = true, reach = false;
  std::string svg_file, xml_file, save_file, load_file;  // "": none
};

// Either what is asked for, or the status to exit with at once.
struct Parsed {
  Options options;
  std::optional<int> exit_status;
};
Parsed parse(int argc, const char* const* argv);

}  // namespace motet_topo
