// What the command line (and the launcher's environment) asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "replay.hpp"
#include "vocabulary.hpp"

namespace motet_perf {

// The bytes of the rows: from `smallest` to at most `largest`, each by `step_bytes` more or
// `factor` times as many as the one before. 0 bytes times anything are the default's smallest.
struct Sizes {
  std::size_t smallest = 8;
  std::size_t largest = std::size_t{64} << 20;
  std::size_t step_bytes = 0;  // 0: multiply
  std::size_t factor = 2;
  std::vector<std::size_t> list{};  // these instead, ascending, if there are any
};

struct Repeats {
  int iterations = 0;  // 0: as many as fit into row_ms, at least 5
  int row_ms = 200;
  // At least, for calls between two barriers: so long that the ranks' leaving the barrier at
  // different times does not show.
  int batch_ms = 1;
  int warmup = 5;
  int checks = 1;      // rounds whose results are checked
  bool fresh = false;  // rewrite inputs and read outputs between calls, outside the timed part
  // Fresh calls are timed by the clock that all ranks share: from the first one's beginning to the
  // last one's end; and perhaps all begin at the same time.
  bool one_clock = false, start_together = false;
  bool out_of_place_only = false;
};

// How one call is made and where its buffers lie.
struct How {
  std::string algorithm;  // "": the planner chooses
  std::string transport;  // "": the library's order
  int timeout_ms = 0;     // 0: the library's
  bool shared_memory = false;
  bool planned = false;  // the timed calls are bound once, and run by their plan
};

enum class Start {
  processes,    // this process starts the ranks and waits for them
  threads,      // ranks are threads of this process
  joining,      // a process of `processes`
  environment,  // started by mpirun, torchrun, ...
};

struct Launch {
  Start start = Start::processes;
  int ranks = 0;
  // joining
  int join_rank = 0;
  int join_descriptor = -1;
};

enum class Format { table, json, csv };

struct Options {
  std::string replay_file;           // "": there is none
  std::vector<ReplayedCall> replay;  // what it lists, instead of what follows and of `sizes`
  std::vector<CollectiveRow> collectives;
  std::vector<TypeRow> types;
  std::vector<OpRow> ops;
  int root = 0;
  int skew_percent = 50;
  Sizes sizes;
  Repeats repeats;
  How how;
  Launch launch;
  Format format = Format::table;
  bool explain = false;
};

// The sizes of the rows, in bytes.
std::vector<std::size_t> sizes_of(const Sizes& sizes);

// Either what is asked for, or the status to exit with at once (help was printed, or what is wrong
// with the arguments).
struct Parsed {
  Options options;
  std::optional<int> exit_status;
};
Parsed parse(int argc, const char* const* argv);

}  // namespace motet_perf
