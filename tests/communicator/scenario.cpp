#include "scenario.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "board.hpp"
#include "net/own.hpp"

namespace motet::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Child {
  pid_t pid = -1;
  int rank = 0;
  Descriptor output;
};

// A TCP port below the ephemeral range. Other launches leave it alone: they find UDP's port of that
// number taken, which this keeps.
class Port {
 public:
  Port() {
    std::random_device random;
    do {
      number_ = 10'000 + static_cast<int>(random() % 10'000);
    } while (!take());
  }
  int number() const { return number_; }

 private:
  bool take() {
    taken_ = own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(static_cast<std::uint16_t>(number_));
    return ::bind(taken_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  int number_ = 0;
  Descriptor taken_;
};

void set(const Launch::Environment& environment) {
  for (const auto& [name, value] : environment) {
    value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
  }
}

// What all ranks of one launch have in common.
struct Meeting {
  Port port;
  int board = create_board();  // no Descriptor owns it: children would close it
};

[[noreturn]] void become(const Launch& launch, int rank, const Meeting& meeting, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("RANK", std::to_string(rank).c_str(), 1);
  setenv("WORLD_SIZE", std::to_string(launch.ranks).c_str(), 1);
  setenv("MASTER_ADDR", "127.0.0.1", 1);
  setenv("MASTER_PORT", std::to_string(meeting.port.number()).c_str(), 1);
  setenv("MOTET_SECRET", "a secret that is long enough", 1);
  setenv("SCENARIO_BOARD", std::to_string(meeting.board).c_str(), 1);
  set(launch.environment);
  if (const auto own = launch.of.find(rank); own != launch.of.end()) set(own->second);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  std::vector<char*> argv{const_cast<char*>(launch.program.c_str())};
  for (const std::string& argument : launch.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

Child start(const Launch& launch, int rank, const Meeting& meeting) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  // No Descriptor owns the write end: the child would close it.
  Child child{fork(), rank, Descriptor(ends[0])};
  if (child.pid == 0) become(launch, rank, meeting, ends[1]);
  close(ends[1]);
  return child;
}

// Reads what is there; false at the end of the output, which a grandchild may hold open.
bool read_some(Child& child, std::string& text) {
  char bytes[4096];
  const auto count = read(child.output.get(), bytes, sizeof bytes);
  if (count <= 0) return false;
  text.append(bytes, static_cast<std::size_t>(count));
  return true;
}

void finish(Child& child, RankOutput& result, Clock::time_point deadline) {
  for (bool open = true;;) {
    pollfd readable{child.output.get(), POLLIN, 0};
    if (open && poll(&readable, 1, 20) > 0) open = read_some(child, result.text);
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) == child.pid) {
      result.status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
      while (poll(&readable, 1, 0) > 0 && read_some(child, result.text)) {
      }
      return;
    }
    if (!open) poll(nullptr, 0, 5);
    if (Clock::now() < deadline) continue;
    kill(child.pid, SIGKILL);
    waitpid(child.pid, &status, 0);
    result.status = 1000;
    return;
  }
}

}  // namespace

std::vector<RankOutput> run_ranks(const Launch& launch) {
  const Meeting meeting;
  std::vector<Child> children;
  for (int rank = 0; rank < launch.ranks; ++rank) {
    if (rank != launch.missing) children.push_back(start(launch, rank, meeting));
  }
  std::vector<RankOutput> results(static_cast<std::size_t>(launch.ranks));
  const auto deadline = Clock::now() + std::chrono::seconds(launch.deadline_s);
  for (Child& child : children) {
    finish(child, results[static_cast<std::size_t>(child.rank)], deadline);
  }
  close(meeting.board);
  return results;
}

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "scenario-XXXXXX").string()) {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path_);
}

}  // namespace motet::testing
