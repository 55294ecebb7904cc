// Starts ranks on this machine and outlives them: whatever a rank does, the launcher ends and says
// what happened.
#pragma once

#include <functional>

#include "options.hpp"

namespace motet_perf {

// Starts `ranks` processes of this program with the same arguments and says to each who it is; rank
// 0 hands the unique id to the others through a pipe. A rank that fails or is killed is named on
// stderr, and the others are killed if they have not ended 5 s later. Returns the status to exit
// with. Throws std::system_error.
int launch_processes(int ranks, int argc, const char* const* argv);

// As a process of launch_processes: gives (rank 0) or takes the id. Throws motet::Error or
// std::runtime_error.
motet_unique_id exchange_id(const Launch& launch);

// Calls `rank_main(rank)` on a thread for each rank; returns the largest of what they return.
int launch_threads(int ranks, const std::function<int(int rank)>& rank_main);

}  // namespace motet_perf
