// How a thread waits: first it looks, then it lets others run, then it sleeps. Told after each look
// what moved.
#pragma once

#include <cstdint>
#include <vector>

namespace motet {

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The caller's say while a thread waits for his call.
struct Interruption {
  int (*is_wished)(void* user) = nullptr;  // null: never
  void* user = nullptr;
};

class Waiting {
 public:
  // crowded: more ranks than cores on this node. Then a core that spins is a core that the peer
  // lacks.
  explicit Waiting(bool crowded) : limits_(crowded ? crowded_limits : roomy_limits) {}
  // For a thread that has nothing to do but this, beside others that compute.
  enum class Politely : std::uint8_t { yes };
  explicit Waiting(Politely /*yes*/) : limits_(polite_limits) {}

  // here: what is waited for moved. elsewhere: something that it may be waiting for in turn.
  enum class Moved : std::uint8_t { nothing, elsewhere, here };
  enum class Next : std::uint8_t { look, look_widely, yield, sleep };
  Next next(Moved moved) {
    if (moved == Moved::here) {
      idle_ = 0;
      return Next::look;
    }
    ++idle_;
    if (idle_ <= limits_.looks) return Next::look;
    if (moved == Moved::elsewhere) idle_ = limits_.after_elsewhere;
    if (idle_ <= limits_.looks + limits_.wide_looks) return Next::look_widely;
    if (idle_ <= limits_.looks + limits_.wide_looks + limits_.yields) return Next::yield;
    return Next::sleep;
  }

 private:
  // after_elsewhere: how many fruitless looks count when something has moved elsewhere.
  struct Limits {
    std::uint32_t looks, wide_looks, yields, after_elsewhere;
  };
  // About 20 µs of looking; then peers may be late for longer than a sleep costs.
  static constexpr Limits roomy_limits{400, 200, 50, 401};
  // Measured with 8 ranks on 2 cores: sleeping without yields cost 50 to 100 ×, 200 looks 4.5 ×,
  // looking again and again while peers on other cores move things 3 × (4 MiB), and sleeping after
  // 30 yields, while others of the core still copy, up to 1.6 ×; and a second look before the first
  // yield up to 1.3 × (small broadcasts over TCP).
  static constexpr Limits crowded_limits{1, 0, 300, 2};
  // Some µs of looking, so that blocks in quick succession need no sleep between them.
  static constexpr Limits polite_limits{8, 8, 50, 9};

  Limits limits_;
  std::uint32_t idle_ = 0;
};

// How a call waits that has nothing to do but to look for one block, the engine held: briefly,
// since meanwhile nothing else is driven.
class ShortWait {
 public:
  static constexpr ShortWait roomy() { return ShortWait(looks); }
  static constexpr ShortWait crowded() { return ShortWait(-yields); }

  // False: it has waited long enough.
  bool once_more() {
    if (left_ == 0) return false;
    if (left_ > 0) {
      --left_;
      pause_cpu();
    } else {
      ++left_;
      let_others_run();
    }
    return true;
  }

 private:
  // Some 5 µs; or until every other rank of the core has had its turn a few times.
  static constexpr int looks = 100, yields = 8;
  explicit constexpr ShortWait(int left) : left_(left) {}
  static void let_others_run();

  int left_;  // looks; below 0: yields
};

// The CPUs that this process may run on (affinity), by number.
std::vector<int> allowed_cpus();
// How many of them its cgroup lets it use at a time; a large number if there is no limit.
int quota_cores();

}  // namespace motet
