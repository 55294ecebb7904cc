#include "ranks.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace motet::bench {

constexpr std::size_t apart = 128;  // some machines fetch neighbouring lines in pairs

struct Board {
  struct alignas(apart) Place {
    std::atomic<std::uint64_t> meetings;  // release and acquire: what was written before is seen
    double value;
  };
  std::array<Place, most_ranks> places;
  std::array<char, 4096> id;  // of the job
};

bool Patience::let_others_run() {
  sched_yield();
  if (!deadline_) deadline_ = Deadline::after(longest_wait);
  if (deadline_->passed()) {
    throw std::runtime_error(fmt::format("waited longer than {} ms", longest_wait.count()));
  }
  return true;
}

Member::Member(Board& board, Rank rank, int world_size, bool crowded)
    : board_(board), rank_(rank), world_size_(world_size), crowded_(crowded) {
  join_job();
}

void Member::join_job() {
  Options options;
  options.transport = "shm";
  options.setup_timeout_ms = options.timeout_ms = static_cast<int>(longest_wait.count());
  if (rank_ == 0) {
    const std::string text = create_unique_id({}).to_text();
    if (text.size() >= board_.id.size()) throw std::runtime_error("the id is too long");
    std::ranges::copy(text, board_.id.begin());
  }
  meet();
  const UniqueId id = UniqueId::from_text(board_.id.data());
  const Deadline deadline = Deadline::after(longest_wait);
  job_ = join(meet_by_id(id, rank_, world_size_, deadline), options, deadline);
  communicator_ = std::make_unique<Communicator>(job_, options);
}

void Member::meet() {
  board_.places[static_cast<std::size_t>(rank_)].meetings.store(++meetings_,
                                                                std::memory_order_release);
  Patience patience(crowded_);
  for (int peer = 0; peer < world_size_; ++peer) {
    const auto& theirs = board_.places[static_cast<std::size_t>(peer)].meetings;
    while (theirs.load(std::memory_order_acquire) < meetings_) patience.after_look(false);
  }
}

// The library tells its peers now and then how far it is; by hand nobody expects that.
void Member::settle() {
  meet();
  const Deadline deadline = Deadline::after(longest_wait);
  while (communicator_->engine().progress()) {
    if (deadline.passed()) throw std::runtime_error("something moves all the time");
  }
  meet();
}

double Member::slowest(double mine) {
  board_.places[static_cast<std::size_t>(rank_)].value = mine;
  meet();
  double most = mine;
  for (int peer = 0; peer < world_size_; ++peer) {
    most = std::max(most, board_.places[static_cast<std::size_t>(peer)].value);
  }
  meet();  // before anybody's value changes
  return most;
}

namespace {

// What ranks share.
class SharedBoard {
 public:
  SharedBoard()
      : memory_(mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)) {
    if (memory_ == MAP_FAILED) throw system_error("mmap", errno);
    new (memory_) Board{};
  }
  ~SharedBoard() { munmap(memory_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;

  Board& board() const { return *static_cast<Board*>(memory_); }

 private:
  void* memory_;
};

void pin_to(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) throw system_error("sched_setaffinity", errno);
}

struct Crew {
  Board& board;
  int ranks;
  const std::function<void(Member&)>& body;
};

int run_rank(const Crew& crew, Rank rank) {
  try {
    const std::vector<int> cpus = allowed_cpus();
    const int cores = std::min(quota_cores(), static_cast<int>(cpus.size()));
    pin_to(cpus[static_cast<std::size_t>(rank) % cpus.size()]);
    Member member(crew.board, rank, crew.ranks, crew.ranks > cores);
    crew.body(member);
    member.meet();  // nobody leaves while others work
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-execute-overhead: rank {}: {}\n", rank, error.what());
    return 1;
  }
}

pid_t start_rank(const Crew& crew, Rank rank) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw system_error("fork", errno);
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int status = run_rank(crew, rank);
  std::fflush(nullptr);
  _exit(status);
}

// The first failure ends the others, who would only wait.
int wait_for(std::vector<pid_t> ranks) {
  bool failed = false;
  while (!ranks.empty()) {
    int status = 0;
    const pid_t pid = wait(&status);
    if (std::erase(ranks, pid) == 0 || status == 0 || failed) continue;
    failed = true;
    if (WIFSIGNALED(status)) {
      fmt::print(stderr, "motet-execute-overhead: a rank died: {}\n", strsignal(WTERMSIG(status)));
    }
    for (const pid_t other : ranks) kill(other, SIGKILL);
  }
  return failed ? 1 : 0;
}

}  // namespace

int run_ranks(int ranks, const std::function<void(Member&)>& body) {
  const SharedBoard shared;
  const Crew crew{shared.board(), ranks, body};
  std::fflush(nullptr);  // or every rank would print what is waiting to be written
  std::vector<pid_t> pids;
  pids.reserve(static_cast<std::size_t>(ranks));
  for (Rank rank = 0; rank < ranks; ++rank) pids.push_back(start_rank(crew, rank));
  return wait_for(std::move(pids));
}

}  // namespace motet::bench
