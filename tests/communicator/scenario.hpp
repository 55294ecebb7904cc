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
  using Environment = std::map<std::string, std::string>;
  std::string program = {};
  std::vector<std::string> arguments = {};
  int ranks = 2;
  Environment environment = {};        // besides RANK, WORLD_SIZE, MASTER_*, MOTET_SECRET
  std::map<int, Environment> of = {};  // what one rank has instead; "": not set
  int missing = -1;                    // this rank is not started
  int deadline_s = 60;
};

// Starts all ranks, which share a Board, and waits for the end of each; kills what still runs at
// the deadline.
std::vector<RankOutput> run_ranks(const Launch& launch);

// Removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace motet::testing
