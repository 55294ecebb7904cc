// Starts ranks on this machine and outlives them: whatever a rank does, the launcher ends and says
// what happened. For tools.
#pragma once

#include <array>
#include <functional>
#include <string_view>

namespace motet_launch {

// Starts `ranks` processes of this program with the same arguments and says to each who it is, by
// --join-rank, --join-ranks and --join-descriptor at their end. A rank that fails or is killed is
// named on stderr, and the others are killed if they have not ended 5 s later. `program` begins
// each line. Returns the status to exit with. Throws std::system_error.
int launch_processes(std::string_view program, int ranks, int argc, const char* const* argv);

// What --join-rank, --join-ranks and --join-descriptor say.
struct Joining {
  int rank = 0;
  int ranks = 0;
  int descriptor = -1;
};
// What rank 0 tells the others, through a pipe.
using Word = std::array<char, 256>;
// As a process of launch_processes: makes and gives the word (rank 0) or takes it. Closes the
// descriptor. Throws std::runtime_error, and what `make` throws.
Word share_word(const Joining& me, const std::function<Word()>& make);

// Calls `rank_main(rank)` on a thread for each rank; returns the largest of what they return.
int launch_threads(int ranks, const std::function<int(int rank)>& rank_main);

}  // namespace motet_launch
