#include "shm_processes.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>

#include "base/deadline.hpp"

namespace motet::test {
namespace {

Flavour shm() {
  for (const Flavour& flavour : all_flavours()) {
    if (flavour.name == "shm") return flavour;
  }
  throw std::runtime_error("shm is not available");
}

void run(int rank, const TransportOptions& options, const Processes::Rank& what, Board& board) {
  const auto mine = static_cast<std::size_t>(rank);
  const std::size_t other = 1 - mine;
  const Credentials credentials = Credentials::from_secret(board.secret);
  Engine me(shm(), rank, options);
  me.transport().admit(credentials);
  board.engine[mine] = me.identity();
  const std::string address = me.transport().address();
  if (address.size() >= board.address[mine].size()) throw std::runtime_error("a long address");
  std::copy(address.begin(), address.end(), board.address[mine].begin());
  board.is_posted[mine].store(true);
  await([&] { return board.is_posted[other].load(); }, "the other process");
  me.connect(static_cast<int>(other), {.address = board.address[other].data(),
                                       .engine = board.engine[other],
                                       .name = "the other process",
                                       .credentials = credentials});
  me.until([&] { return me.all_ready(); }, "the connection");
  what(me, board);
}

}  // namespace

void await(const std::function<bool()>& done, const char* what) {
  const Deadline deadline = Deadline::after(patience);
  while (!done()) {
    if (deadline.passed()) throw std::runtime_error(std::string("waited too long for ") + what);
    sched_yield();
  }
}

Processes::Processes(const TransportOptions& options, const Rank& first, const Rank& second) {
  void* const shared =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::bad_alloc();
  board_ = new (shared) Board{};
  board_->secret = random_secret();
  for (int rank = 0; rank < 2; ++rank) {
    const pid_t pid = fork();
    if (pid != 0) {
      pids_.push_back(pid);
      continue;
    }
    try {
      run(rank, options, rank == 0 ? first : second, *board_);
      _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
      _exit(1);
    }
  }
}

Processes::~Processes() {
  for (const pid_t pid : pids_) {
    if (pid <= 0) continue;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  munmap(board_, sizeof(Board));
}

int Processes::wait(int rank) {
  int status = 0;
  waitpid(pid(rank), &status, 0);
  pids_[static_cast<std::size_t>(rank)] = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void Processes::wait_until_stopped(int rank) const {
  int status = 0;
  waitpid(pid(rank), &status, WUNTRACED);
  if (!WIFSTOPPED(status)) throw std::runtime_error("the rank has ended instead of stopping");
}

}  // namespace motet::test
