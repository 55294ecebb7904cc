#include "hosts.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "board.hpp"

namespace motet::testing {
namespace {

// A deadline against hangs; what a program says until then explains more than this test could.
constexpr int probe_deadline_s = 60;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Exit status, or minus the signal.
int run(const std::vector<std::string>& command, const std::string& output) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> with_environment(const Launch& launch, int board) {
  std::vector<std::string> command{"env", "SCENARIO_BOARD=" + std::to_string(board)};
  for (const auto& [name, value] : launch.environment) command.push_back(name + "=" + value);
  return command;
}

// 1000: it was still running at the deadline.
RankOutput output_of(int rank, const std::string& folder) {
  const std::string name = folder + "/" + std::to_string(rank);
  RankOutput output{1000, text_of(name + ".log")};
  std::ifstream(name + ".status") >> output.status;
  return output;
}

}  // namespace

std::string hosts_unavailable_because() {
  const TemporaryFolder folder;
  const std::string output = folder.path() + "/output";
  const int status = run({MOTET_MULTIHOST, "1", "--", "true"}, output);
  constexpr int unavailable = 77;
  EXPECT_TRUE(status == 0 || status == unavailable) << text_of(output);
  return status == 0 ? "" : text_of(output);
}

std::string transport_unavailable_because(const std::string& transport) {
  const auto alone = run_ranks({.program = MOTET_CALLS_RANK,
                                .arguments = {"large_collectives"},
                                .ranks = 1,
                                .environment = {{"MOTET_TRANSPORT", transport}},
                                .deadline_s = probe_deadline_s});
  return alone[0].status == 0 ? "" : transport + ": " + alone[0].text;
}

std::vector<RankOutput> run_on_hosts(const std::vector<std::string>& hosts, const Launch& launch) {
  const TemporaryFolder folder;
  const int board = create_board();
  std::vector<std::string> command = with_environment(launch, board);
  const auto append = [&](const std::vector<std::string>& words) {
    command.insert(command.end(), words.begin(), words.end());
  };
  append({MOTET_MULTIHOST});
  append(hosts);
  append({"--timeout", std::to_string(launch.deadline_s), "--logs", folder.path()});
  append({"--", launch.program});
  append(launch.arguments);
  const int status = run(command, folder.path() + "/output");
  close(board);
  const std::string said = text_of(folder.path() + "/output");
  if (!said.empty()) ADD_FAILURE() << "multihost.sh ended with " << status << ": " << said;
  std::vector<RankOutput> outputs;
  for (int rank = 0; rank < launch.ranks; ++rank) outputs.push_back(output_of(rank, folder.path()));
  return outputs;
}

}  // namespace motet::testing
