// Runs ranks of a program as processes and gathers what they print.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace motet::testing {

struct RankOutput {
  int status = 0;  // exit status, or minus the signal; 1000: still running at the deadline
  std::string text;
};

struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  int ranks = 2;
  std::map<std::string, std::string>
      environment;   // besides RANK, WORLD_SIZE, MASTER_*, MOTET_SECRET
  int missing = -1;  // this rank is not started
  int deadline_s = 60;
};

// Starts all ranks and waits for the end of each; kills what still runs at the deadline.
std::vector<RankOutput> run_ranks(const Launch& launch);

}  // namespace motet::testing
