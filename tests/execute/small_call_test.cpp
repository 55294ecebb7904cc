// A small call that was made before, or bound to a plan, allocates nothing and asks nothing of the
// kernel while its peer is awake.
//
// Counted in batches, of which the best one counts: on a busy machine a peer may lose its core, and
// who waits for it long enough sleeps.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "base/deadline.hpp"
#include "communicator/communicator.hpp"
#include "communicator/job.hpp"
#include "communicator/meeting.hpp"
#include "execute/waiting.hpp"

static thread_local std::uint64_t allocations = 0;

#ifdef __has_feature  // Clang
#define MOTET_HAS_FEATURE(feature) __has_feature(feature)
#else
#define MOTET_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    MOTET_HAS_FEATURE(address_sanitizer)
// Sanitizers have their own malloc, and make system calls of their own.
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;

// The C library's own, under the names by which it can be reached when they are replaced.
extern "C" {
void* __libc_malloc(std::size_t bytes);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes);        // NOLINT
void* __libc_realloc(void* memory, std::size_t bytes);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t bytes);  // NOLINT

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}
#endif

namespace motet::test {
namespace {

constexpr int batches = 1000, calls_per_batch = 10;

// Notices the first system call of this thread after arm(): the kernel sends SIGSYS instead
// (Linux 5.11, syscall user dispatch).
class SystemCalls {
 public:
  SystemCalls() {
    struct sigaction action {};
    action.sa_sigaction = on_call;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    available_ = prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
  }
  ~SystemCalls() {
    if (available_) prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
  }
  SystemCalls(const SystemCalls&) = delete;

  bool available() const { return available_; }
  void arm() {
    first_call = -1;
    selector = SYSCALL_DISPATCH_FILTER_BLOCK;
  }
  // -1, or the number of the first one.
  long disarm() {
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    return first_call;
  }

 private:
  // Makes the call after all and lets later ones pass.
  static void on_call(int, siginfo_t* info, void* context) {
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    first_call = info->si_syscall;
#if defined(__x86_64__)
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const long result =
        syscall(info->si_syscall, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                registers[REG_R10], registers[REG_R8], registers[REG_R9]);
    registers[REG_RAX] = result == -1 ? -errno : result;
#else
    static_cast<void>(context);
#endif
  }

  static thread_local volatile char selector;
  static thread_local volatile long first_call;
  bool available_ = false;
};

thread_local volatile char SystemCalls::selector = SYSCALL_DISPATCH_FILTER_ALLOW;
thread_local volatile long SystemCalls::first_call = -1;

struct Cost {
  std::uint64_t allocations_before = 0;  // in setting up
  std::uint64_t fewest_allocations = ~std::uint64_t{0};
  bool counted_system_calls = false;
  int batches_without_system_call = 0;
  long a_system_call = -1;  // the last one seen
  bool right = true;
};

enum class By { call, plan, start_of_plan };

// One of two ranks.
class SmallCalls {
 public:
  SmallCalls(const UniqueId& id, Rank rank, By by)
      : comm_(join(meet_by_id(id, rank, 2, deadline_), options_, deadline_), options_),
        rank_(rank),
        by_(by),
        plan_(comm_.bind(arguments())) {}

  // Until both have seen a batch without system calls, or for long enough.
  Cost run() {
    stay_on_one_core();
    call(1000);  // warm
    SystemCalls system_calls;
    Cost cost;
    cost.allocations_before = allocations;
    cost.counted_system_calls = system_calls.available();
    bool over = false;
    while (!over) {
      for (int batch = 0; batch < batches; ++batch) run_batch(system_calls, cost);
      const bool clean = !system_calls.available() || cost.batches_without_system_call > 0;
      over = on_both(clean || deadline_.passed());
    }
    return cost;
  }

 private:
  // Not both on the same one, whatever else runs.
  void stay_on_one_core() const {
    const std::vector<int> cpus = allowed_cpus();
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(cpus[static_cast<std::size_t>(rank_) % cpus.size()], &mine);
    sched_setaffinity(0, sizeof mine, &mine);
  }

  void run_batch(SystemCalls& system_calls, Cost& cost) {
    const std::uint64_t before = allocations;
    if (system_calls.available()) system_calls.arm();
    cost.right &= call(calls_per_batch);
    const long seen = system_calls.disarm();
    cost.fewest_allocations = std::min(cost.fewest_allocations, allocations - before);
    if (seen < 0) {
      ++cost.batches_without_system_call;
    } else {
      cost.a_system_call = seen;
    }
  }

  bool on_both(bool mine) {
    input_ = mine ? 1 : 0;
    sum();
    return output_ == 2;
  }

  Arguments arguments() {
    return {.collective = Collective::allreduce,
            .type = DataType::uint64,
            .input = &input_,
            .output = &output_,
            .count = 1};
  }

  void sum() {
    if (by_ == By::call) return comm_.run(arguments());
    if (by_ == By::plan) return plan_->run();
    plan_->start().wait();
  }

  bool call(int times) {
    bool right = true;
    for (int i = 0; i < times; ++i) {
      input_ = static_cast<std::uint64_t>(i) + (rank_ == 0 ? 1000 : 2000);
      sum();
      right &= output_ == 3000 + 2 * static_cast<std::uint64_t>(i);
    }
    return right;
  }

  Deadline deadline_ = Deadline::after(std::chrono::seconds(30));
  Options options_;
  Communicator comm_;
  Rank rank_;
  By by_;
  std::unique_ptr<Plan> plan_;
  std::uint64_t input_ = 0, output_ = 0;
};

std::array<Cost, 2> costs(By by) {
  const UniqueId id = create_unique_id({});
  std::array<Cost, 2> found;
  const auto live = [&](Rank rank) {
    found[static_cast<std::size_t>(rank)] = SmallCalls(id, rank, by).run();
  };
  std::thread first(live, 0), second(live, 1);
  first.join();
  second.join();
  return found;
}

void expect_no_allocation(By by) {
  if (sanitized) GTEST_SKIP() << "sanitizers have their own malloc";
  for (const Cost& cost : costs(by)) {
    EXPECT_TRUE(cost.right);
    EXPECT_EQ(cost.fewest_allocations, 0U);
    EXPECT_GT(cost.allocations_before, 0U) << "nothing was counted";
  }
}

void expect_no_system_call(By by) {
  if (sanitized) GTEST_SKIP() << "sanitizers make system calls of their own";
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "two ranks need two cores";
  for (const Cost& cost : costs(by)) {
    if (!cost.counted_system_calls) GTEST_SKIP() << "the kernel cannot tell (Linux 5.11 can)";
    EXPECT_TRUE(cost.right);
    EXPECT_GT(cost.batches_without_system_call, 0) << "such as number " << cost.a_system_call;
  }
}

TEST(SmallCall, AllocatesNothing) {
  expect_no_allocation(By::call);
}

TEST(SmallCall, MakesNoSystemCall) {
  expect_no_system_call(By::call);
}

TEST(SmallPlan, AllocatesNothingWhenRun) {
  expect_no_allocation(By::plan);
}

TEST(SmallPlan, AllocatesNothingWhenStarted) {
  expect_no_allocation(By::start_of_plan);
}

TEST(SmallPlan, MakesNoSystemCallWhenRun) {
  expect_no_system_call(By::plan);
}

}  // namespace
}  // namespace motet::test
