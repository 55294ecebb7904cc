// Processes that end, stop or fork.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "board.hpp"
#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {
namespace {

constexpr size_t loops = 10, heard = 11, overwritten = 12;  // marks

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Calls until an error, as a training loop would. "read": a collective whose blocks are read out of
// ordinary memory, where the system allows it.
motet_status call_until_error(const Rank& rank, float* data, size_t count,
                              const std::string& kind = "") {
  const motet_call call = rank.call();
  const size_t part = count / static_cast<size_t>(rank.size);
  motet_status status = motet_ok;
  while (status == motet_ok) {
    status = kind == "read"
                 ? motet_allgather(data + static_cast<size_t>(rank.number) * part, data, part,
                                   motet_float32, rank.comm, &call)
                 : motet_allreduce(data, data, count, motet_float32, motet_max, rank.comm, &call);
    board().reach(loops);
  }
  return status;
}

void await_loops(const Rank& rank) {
  board().await(loops, 3 * rank.size);
}

// loop:COUNT: how long after the death of another rank the error came.
void loop(Rank& rank, const Words& words) {
  std::vector<float> data(static_cast<size_t>(words.number(1, 0)), 1.0F);
  const motet_status status = call_until_error(rank, data.data(), data.size());
  const std::string text = motet_last_error();
  const double late = static_cast<double>(now_ns() - board().death_ns) / 1e6;
  say("loop", status, late, text);
}

// die:COUNT: as loop, but killed in the middle of it.
void die(Rank& rank, const Words& words) {
  std::vector<float> data(static_cast<size_t>(words.number(1, 0)), 1.0F);
  const std::jthread killer([&] {
    await_loops(rank);
    board().death_ns = now_ns();
    kill(getpid(), SIGKILL);
  });
  call_until_error(rank, data.data(), data.size());
}

void leave(Rank& rank, const Words&) {
  say_how("destroy", [&] { return motet_comm_destroy(rank.comm); });
  rank.comm = nullptr;
}

void exit_at_once(Rank&, const Words& words) {
  _exit(words.number(1, 0));
}

// Ordinary memory, or such as peers map.
class Memory {
 public:
  Memory(motet_comm* comm, size_t count, const std::string& kind) : comm_(comm) {
    if (kind == "mapped") must(motet_mem_alloc(comm, count * sizeof(float), &mapped_));
    if (mapped_ == nullptr) ordinary_.assign(count, 1.0F);
  }
  ~Memory() {
    if (mapped_ != nullptr) motet_mem_free(comm_, mapped_);
  }
  Memory(const Memory&) = delete;
  float* data() { return mapped_ != nullptr ? static_cast<float*>(mapped_) : ordinary_.data(); }

 private:
  motet_comm* comm_;
  void* mapped_ = nullptr;
  std::vector<float> ordinary_;
};

constexpr size_t large = size_t{16} << 20;  // elements: 64 MiB

// stopped:KIND: a loop in which rank 0 stops and continues this process.
void stopped(Rank& rank, const Words& words) {
  Memory memory(rank.comm, large, words.text(1, ""));
  const motet_status status = call_until_error(rank, memory.data(), large, words.text(1, ""));
  say("stopped", status, 0, motet_last_error());
  board().reach(heard);
  board().await(heard, rank.size);
}

// overwriting:KIND: times out, since rank 1 is stopped, and writes over its buffer, which nobody
// may touch when rank 1 goes on.
void overwriting(Rank& rank, const Words& words) {
  Memory memory(rank.comm, large, words.text(1, ""));
  const pid_t victim = board().pid[1];
  std::jthread stopper;
  if (rank.number == 0) {
    stopper = std::jthread([&] {
      await_loops(rank);
      kill(victim, SIGSTOP);
    });
  }
  const motet_status status = call_until_error(rank, memory.data(), large, words.text(1, ""));
  say("overwriting", status, 0, motet_last_error());
  std::memset(memory.data(), 0x5a, large * sizeof(float));
  board().reach(overwritten);
  board().await(overwritten, rank.size - 1);
  if (rank.number == 0) kill(victim, SIGCONT);
  board().await(heard, 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(memory.data());
  const bool intact =
      std::all_of(bytes, bytes + large * sizeof(float), [](auto byte) { return byte == 0x5a; });
  say(intact ? "intact" : "touched", motet_ok, 0, "");
  board().reach(heard);
  board().await(heard, rank.size);
}

// sending_to_stopped:COUNT: what was sent cannot be got rid of.
void sending_to_stopped(Rank& rank, const Words& words) {
  std::vector<float> data(static_cast<size_t>(words.number(1, 0)));
  const motet_call call = rank.call();
  kill(board().pid[1], SIGSTOP);
  say_how("sending", [&] {
    motet_status status = motet_ok;
    for (int i = 0; i < 1000 && status == motet_ok; ++i) {
      status = motet_send(data.data(), data.size(), motet_float32, 1, rank.comm, &call);
    }
    return status;
  });
  kill(board().pid[1], SIGCONT);
}

// fork_and_die: the child stays until mark 1 is reached.
void fork_and_die(Rank&, const Words& words) {
  const pid_t child = fork();
  if (child == 0) {
    if (words.text(1, "") == "exec") {
      execl("/proc/self/exe", "scenario_rank", "stay", nullptr);
      _exit(127);
    }
    board().await(1, 1);
    _exit(0);
  }
  board().death_ns = now_ns();
  kill(getpid(), SIGKILL);
}

// The child tries to use what it inherited, and ends as programs end: with all destructors.
void fork_and_go_on(Rank& rank, const Words&) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    float data = 0;
    say_how("child", [&] {
      return motet_allreduce(&data, &data, 1, motet_float32, motet_sum, rank.comm, nullptr);
    });
    motet_comm* other = nullptr;
    say_how("child", [&] { return motet_comm_create(nullptr, &other); });
    say_how("child", [&] { return motet_comm_destroy(rank.comm); });
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  say("waited", static_cast<motet_status>(status), 0, "");
}

}  // namespace

const Commands& end_commands() {
  static const Commands all{{"loop", loop},
                            {"die", die},
                            {"destroy", leave},
                            {"exit", exit_at_once},
                            {"stopped", stopped},
                            {"overwriting", overwriting},
                            {"sending_to_stopped", sending_to_stopped},
                            {"fork_and_die", fork_and_die},
                            {"fork_and_go_on", fork_and_go_on}};
  return all;
}

}  // namespace motet::testing
