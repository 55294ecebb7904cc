#include "launcher.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace motet_launch {
namespace {

using Clock = std::chrono::steady_clock;

// The library tells survivors of a death within a second; what takes longer hangs.
constexpr std::chrono::seconds grace{5};

std::system_error failed(const char* what) {
  return {errno, std::generic_category(), what};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

struct Pipe {
  Descriptor read, write;
};
Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw failed("pipe2");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// Signals that the launcher takes one by one; blocked while it lives.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int number : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { restore(); }

  void restore() const { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  // The next one, or 0 after `longest`.
  int next(std::chrono::milliseconds longest) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
    const std::chrono::nanoseconds rest = longest - seconds;
    const timespec wait{seconds.count(), rest.count()};
    return std::max(0, sigtimedwait(&set_, nullptr, &wait));
  }

 private:
  sigset_t set_{}, before_{};
};

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become_rank(char* const* arguments, int descriptor, const Signals& signals,
                              pid_t launcher) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // no rank outlives its launcher
  if (getppid() != launcher) _exit(1);
  signals.restore();
  fcntl(descriptor, F_SETFD, 0);
  execv("/proc/self/exe", arguments);
  _exit(127);
}

pid_t start_rank(std::vector<std::string> arguments, int rank, int descriptor,
                 const Signals& signals) {
  arguments.push_back("--join-rank=" + std::to_string(rank));
  arguments.push_back("--join-descriptor=" + std::to_string(descriptor));
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t launcher = getpid();
  const pid_t child = fork();
  if (child < 0) throw failed("fork");
  if (child == 0) become_rank(pointers.data(), descriptor, signals, launcher);
  return child;
}

// The ranks' processes, from their start to their end.
class Processes {
 public:
  explicit Processes(std::string_view program) : program_(program) {}
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  ~Processes() { kill_rest(); }

  void add(pid_t pid) { running_.push_back({pid, static_cast<int>(running_.size())}); }
  bool any() const { return !running_.empty(); }
  bool any_failed() const { return status_ != 0; }
  int status() const { return status_; }

  // Takes note of those that have ended.
  void reap() {
    std::erase_if(running_, [this](const Process& process) {
      int status = 0;
      const pid_t ended = waitpid(process.pid, &status, WNOHANG);
      // Nobody's child any more: whoever started this program ignores children that end.
      const bool is_lost = ended < 0 && errno == ECHILD;
      if (ended != process.pid && !is_lost) return false;
      note(process, is_lost ? W_EXITCODE(1, 0) : status);
      return true;
    });
  }

  // Returns the ranks that had to be killed.
  std::vector<int> kill_rest() {
    std::vector<int> ranks;
    for (const Process& process : running_) {
      kill(process.pid, SIGKILL);
      waitpid(process.pid, nullptr, 0);
      ranks.push_back(process.rank);
    }
    running_.clear();
    return ranks;
  }

 private:
  struct Process {
    pid_t pid;
    int rank;
  };

  void note(const Process& process, int status) {
    if (WIFSIGNALED(status)) {
      fmt::print(stderr, "{}: rank {} (pid {}) was killed by signal {} ({})\n", program_,
                 process.rank, process.pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
      status_ = 1;
    } else if (WEXITSTATUS(status) != 0) {
      status_ = std::max(status_, WEXITSTATUS(status));
    }
  }

  std::string_view program_;
  std::vector<Process> running_;
  int status_ = 0;
};

int wait_for(Processes& processes, std::string_view program, const Signals& signals) {
  std::optional<Clock::time_point> deadline;
  while (processes.any()) {
    const int signal = signals.next(std::chrono::seconds(1));
    if (signal == SIGINT || signal == SIGTERM) {
      processes.kill_rest();
      return 128 + signal;
    }
    processes.reap();
    if (processes.any_failed() && !deadline) deadline = Clock::now() + grace;
    if (deadline && Clock::now() > *deadline && processes.any()) {
      fmt::print(stderr, "{}: killed rank {}, still running {} s after the first failure\n",
                 program, fmt::join(processes.kill_rest(), ", "), grace.count());
    }
  }
  return processes.status();
}

std::vector<std::string> arguments_for_ranks(int ranks, int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  arguments.push_back("--join-ranks=" + std::to_string(ranks));
  return arguments;
}

void write_all(int descriptor, const void* data, std::size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = write(descriptor, from, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw failed("rank 0: handing the word to the other ranks");
    from += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

}  // namespace

int launch_processes(std::string_view program, int ranks, int argc, const char* const* argv) {
  const Signals signals;
  Processes processes(program);
  {
    const std::vector<std::string> arguments = arguments_for_ranks(ranks, argc, argv);
    const Pipe pipe = make_pipe();
    for (int rank = 0; rank < ranks; ++rank) {
      const int end = rank == 0 ? pipe.write.get() : pipe.read.get();
      processes.add(start_rank(arguments, rank, end, signals));
    }
  }  // closes the pipe: with rank 0 the last writer is gone
  return wait_for(processes, program, signals);
}

Word share_word(const Joining& me, const std::function<Word()>& make) {
  const Descriptor pipe(me.descriptor);
  if (me.rank == 0) {
    const Word word = make();
    for (int rank = 1; rank < me.ranks; ++rank) write_all(pipe.get(), word.data(), word.size());
    return word;
  }
  // Whole words only are in the pipe (a write of up to PIPE_BUF bytes is not mixed with another),
  // so one read takes one.
  Word word{};
  ssize_t got = 0;
  do {
    got = read(pipe.get(), word.data(), word.size());
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(word.size()))
    throw std::runtime_error(
        fmt::format("rank {}: rank 0 ended before it said how to meet", me.rank));
  return word;
}

int launch_threads(int ranks, const std::function<int(int rank)>& rank_main) {
  std::vector<int> statuses(static_cast<std::size_t>(ranks));
  {
    std::vector<std::jthread> threads;
    threads.reserve(statuses.size());
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back(
          [&, rank] { statuses[static_cast<std::size_t>(rank)] = rank_main(rank); });
  }
  return *std::max_element(statuses.begin(), statuses.end());
}

}  // namespace motet_launch
