#include "pair.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

namespace motet_limits {

constexpr std::size_t values_at_once = 512;

struct Meeting {
  std::array<Flags, 2> flags;
  MeetingFlags arrivals, swapped_arrivals;
  alignas(apart) std::array<float*, 2> given;
  std::array<pid_t, 2> pids;
  std::array<std::array<double, values_at_once>, 2> values;
};

Pair::Pair(Meeting& meeting, int rank)
    : meeting_(meeting),
      arrivals_(meeting.arrivals),
      swapped_arrivals_(meeting.swapped_arrivals),
      rank_(rank) {}

pid_t Pair::peer_pid() const {
  return meeting_.pids[peer()];
}

Flags& Pair::mine() const {
  return meeting_.flags[rank_];
}

Flags& Pair::theirs() const {
  return meeting_.flags[peer()];
}

float* Pair::exchange(float* given) {
  meeting_.given[rank_] = given;
  barrier();
  float* const got = meeting_.given[peer()];
  barrier();
  return got;
}

void Pair::take_larger(std::vector<double>& values) {
  for (std::size_t from = 0; from < values.size(); from += values_at_once) {
    const std::size_t count = std::min(values_at_once, values.size() - from);
    std::copy_n(&values[from], count, meeting_.values[rank_].data());
    barrier();
    for (std::size_t i = 0; i < count; ++i)
      values[from + i] = std::max(values[from + i], meeting_.values[peer()][i]);
    barrier();
  }
}

double Pair::larger(double value) {
  std::vector<double> values{value};
  take_larger(values);
  return values[0];
}

void Pair::reset_flags(std::uint64_t value) {
  barrier();
  for (Word& word : mine().words) word.store(value, std::memory_order_relaxed);
  barrier();
}

namespace {

std::system_error failed(const char* what) {
  return {errno, std::generic_category(), what};
}

void pin_to_allowed_cpu(int index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw failed("sched_getaffinity");
  int left = index % CPU_COUNT(&allowed);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed) || left-- > 0) ++cpu;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) throw failed("sched_setaffinity");
}

int run_rank(Meeting& meeting, int rank, Placing placing, const std::function<void(Pair&)>& body) {
  try {
    if (placing == Placing::pinned) pin_to_allowed_cpu(rank);
    meeting.pids[rank] = getpid();
    Pair pair(meeting, rank);
    pair.barrier();
    body(pair);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-limits: rank {}: {}\n", rank, error.what());
    return 1;
  }
}

pid_t start_rank(Meeting& meeting, int rank, Placing placing,
                 const std::function<void(Pair&)>& body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw failed("fork");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int status = run_rank(meeting, rank, placing, body);
  std::fflush(nullptr);
  _exit(status);
}

// The first failure ends the other rank, which would wait forever.
int wait_for(const std::array<pid_t, 2>& ranks) {
  int failures = 0;
  for (int ended = 0; ended < 2; ++ended) {
    int status = 0;
    const pid_t pid = wait(&status);
    if (status == 0) continue;
    if (WIFSIGNALED(status) && failures == 0)
      fmt::print(stderr, "motet-limits: a rank died: {}\n", strsignal(WTERMSIG(status)));
    ++failures;
    if (ended == 0) kill(ranks[0] == pid ? ranks[1] : ranks[0], SIGKILL);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int run_pair(Placing placing, const std::function<void(Pair&)>& body) {
  const SharedPages pages(sizeof(Meeting));
  auto& meeting = *new (pages.data()) Meeting{};
  std::fflush(nullptr);  // or both ranks would print what is waiting to be written
  std::array<pid_t, 2> ranks{};
  for (int rank = 0; rank < 2; ++rank) ranks[rank] = start_rank(meeting, rank, placing, body);
  return wait_for(ranks);
}

}  // namespace motet_limits
