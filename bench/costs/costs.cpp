// What communicators cost beside their calls: time to make them, memory, and a core while a rank
// waits. Runs under any launcher (examples/run.sh); rank 0 prints one JSON object a line.
//
// time_ms: of the slowest rank. rss_kib: what became resident on rank 0. cpu_share: of one core, by
// the busiest rank but rank 0. answer_us: from rank 0's send to the answer of a rank that has
// waited so long; the median, and what motet-limits' row wake is to be held against.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <motet/motet.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::duration<double, std::milli>;

constexpr int parts = 50;    // communicators over the same ranks
constexpr int answers = 20;  // of each waiting time

double resident_kib() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == "Rss:" && file >> kib) return kib;
  }
  return 0;
}

double cpu_ms() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

double slowest(motet::Communicator& comm, double mine) {
  std::vector<double> value{mine};
  comm.allreduce(value, motet::ReduceOp::max);
  return value[0];
}

// What something took, and what it left.
struct Cost {
  double time_ms, rss_kib;
};

template <class Act>
Cost cost_of(Act&& act) {
  const double before = resident_kib();
  const auto start = Clock::now();
  act();
  return {Millis(Clock::now() - start).count(), resident_kib() - before};
}

void tell(motet::Communicator& comm, const char* what, int count, const Cost& cost) {
  const double time = slowest(comm, cost.time_ms) / count;
  if (comm.rank() == 0)
    fmt::print(R"({{"what":"{}","ranks":{},"count":{},"time_ms":{:.2f},"rss_kib":{:.0f}}})"
               "\n",
               what, comm.size(), count, time, cost.rss_kib);
}

// Every rank but 0 waits so long, and answers.
void wait_for(motet::Communicator& comm, double milliseconds) {
  std::vector<double> times(answers);
  std::vector<char> word(1);
  const double cpu_before = cpu_ms();
  const auto start = Clock::now();
  for (double& time : times) {
    for (int peer = 1; peer < comm.size(); ++peer) {
      if (comm.rank() == 0) {
        if (peer == 1) std::this_thread::sleep_for(Millis(milliseconds));
        const auto sent = Clock::now();
        comm.send(word, peer);
        comm.recv(word, peer);
        if (peer == 1) time = Millis(Clock::now() - sent).count() * 1e3;
      } else if (comm.rank() == peer) {
        comm.recv(word, 0);
        comm.send(word, 0);
      }
    }
  }
  const double wall = Millis(Clock::now() - start).count();
  const double share = slowest(comm, comm.rank() == 0 ? 0 : (cpu_ms() - cpu_before) / wall);
  std::ranges::nth_element(times, times.begin() + answers / 2);
  if (comm.rank() == 0)
    fmt::print(R"({{"what":"wait","ranks":{},"wait_ms":{},"cpu_share":{:.4f},"answer_us":{:.1f}}})"
               "\n",
               comm.size(), milliseconds, share, times[answers / 2]);
}

void run() {
  using motet::Communicator;
  Communicator world(nullptr), second(nullptr);
  std::vector<Communicator> split;
  const Cost first = cost_of([&] { world = Communicator::from_environment(); });
  tell(world, "first communicator", 1, first);
  tell(world, "second communicator", 1,
       cost_of([&] { second = Communicator::from_environment(); }));
  tell(world, "split", parts, cost_of([&] {
         for (int i = 0; i < parts; ++i) split.push_back(world.split(0));
       }));
  tell(world, "first call on each", parts, cost_of([&] {
         for (Communicator& part : split) part.barrier();
       }));
  if (world.size() == 1) return;
  for (const double milliseconds : {0.1, 10.0, 1000.0}) wait_for(world, milliseconds);
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-costs: {}\n", error.what());
    return 1;
  }
}
