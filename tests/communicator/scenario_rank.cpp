// One rank of a scenario in which something goes wrong: scenario_rank SCRIPT_OF_RANK_0
// SCRIPT_OF_RANK_1 ..., the last also for all ranks beyond. A script is a list of commands (see
// commands.hpp). Joins by the environment and exits with 0 if its script came to its end.
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "board.hpp"
#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {
namespace {

void run(Rank& rank, const Words& words) {
  for (const Commands* all : {&call_commands(), &end_commands(), &misuse_commands(),
                              &network_commands(), &uneven_commands()}) {
    if (const auto found = all->find(words.name()); found != all->end()) {
      return found->second(rank, words);
    }
  }
  throw std::runtime_error("there is no command " + words.name());
}

int be_rank(const std::vector<std::string>& scripts) {
  Rank rank;
  const motet_status joined =
      say_how("create", [&] { return motet_comm_create(nullptr, &rank.comm); });
  if (joined != motet_ok) return 3;
  rank.number = motet_comm_rank(rank.comm);
  rank.size = motet_comm_size(rank.comm);
  board().pid.at(static_cast<size_t>(rank.number)) = getpid();
  must(motet_barrier(rank.comm, nullptr));
  board().meet(rank.size);  // else the trouble of a quick rank ends the barrier of a slow one
  std::istringstream script(
      scripts.at(std::min(static_cast<size_t>(rank.number), scripts.size() - 1)));
  for (std::string command; script >> command;) run(rank, Words(command));
  motet_comm_destroy(rank.comm);
  return 0;
}

}  // namespace
}  // namespace motet::testing

int main(int argc, char** argv) {
  using namespace motet::testing;
  const std::vector<std::string> scripts(argv + 1, argv + argc);
  try {
    if (scripts.at(0) != "stay") return be_rank(scripts);
    board().await(1, 1);  // a program without Motet, started by one with it
    return 0;
  } catch (const std::exception& error) {
    say("failed", motet_system, 0, error.what());
    return 1;
  }
}
