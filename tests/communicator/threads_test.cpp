// The scenarios of calls.hpp with ranks that are threads of this process.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <ostream>
#include <thread>

#include "calls.hpp"

namespace motet::testing {
namespace {

// Options that no configuration has come from the environment.
class Environment {
 public:
  explicit Environment(std::map<std::string, std::string> variables)
      : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) unsetenv(name.c_str());
  }
  Environment(const Environment&) = delete;

 private:
  const std::map<std::string, std::string> variables_;
};

void be(int rank, int ranks, const motet_unique_id& id, Scenario scenario) {
  motet_comm* comm = nullptr;
  try {
    motet_config config{};
    config.size = sizeof config;
    config.rank = rank;
    config.world_size = ranks;
    config.id = &id;
    must(motet_comm_create(&config, &comm));
    scenario(World(comm));
    if (motet_comm_error(comm) == motet_ok) must(motet_barrier(comm, nullptr));
  } catch (const std::exception& error) {
    ADD_FAILURE() << "rank " << rank << ": " << error.what();
    motet_comm_abort(comm, "a check failed");
  }
  motet_comm_destroy(comm);
}

void be_all(int ranks, Scenario scenario) {
  motet_unique_id id{};
  must(motet_unique_id_create(&id));
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back(be, rank, ranks, std::cref(id), scenario);
  }
}

struct Case {
  const char* scenario;
  int ranks;
  const char* transport;
  const char* fault = "";
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.scenario << " of " << c.ranks << " over " << c.transport << " " << c.fault;
}

class Threads : public ::testing::TestWithParam<Case> {};

TEST_P(Threads, AreRanksLikeProcesses) {
  const auto& [scenario, ranks, transport, fault] = GetParam();
  const Environment environment({{"MOTET_TRANSPORT", transport}, {"MOTET_FAULT", fault}});
  be_all(ranks, find_scenario(scenario));
}

// Gathers the lines of all ranks.
class Lines {
 public:
  Lines() { motet_set_log(add, this); }
  ~Lines() { motet_set_log(nullptr, nullptr); }
  Lines(const Lines&) = delete;
  int count(const std::string& part) const {
    return static_cast<int>(std::ranges::count_if(
        lines_, [&](const auto& line) { return line.find(part) != std::string::npos; }));
  }

 private:
  static void add(int, const char* line, void* user) {
    auto& self = *static_cast<Lines*>(user);
    const std::scoped_lock lock(self.mutex_);
    self.lines_.emplace_back(line);
  }
  std::mutex mutex_;  // guards lines_ while ranks run
  std::vector<std::string> lines_;
};

void call_and_abort(const World& world) {
  std::vector<float> data(1000);
  must(motet_allreduce(data.data(), data.data(), data.size(), motet_float32, motet_sum, world.comm,
                       nullptr));
  must(motet_barrier(world.comm, nullptr));
  // Whoever is still inside the barrier would fail there.
  static std::atomic<int> through = 0;
  ++through;
  while (world.rank == 1 && through < world.size) std::this_thread::yield();
  if (world.rank == 1) must(motet_comm_abort(world.comm, "enough"));
  while (motet_comm_error(world.comm) == motet_ok) std::this_thread::yield();
}

TEST(Logs, SayWhoJoinedWhatWasPlannedAndWhatFailed) {
  const Environment environment({{"MOTET_TRANSPORT", "shm"}, {"MOTET_LOG", "debug"}});
  const Lines lines;
  be_all(3, call_and_abort);
  for (const std::string rank : {"rank=0", "rank=1", "rank=2"}) {
    EXPECT_EQ(lines.count(rank + " event=created communicator=1 world_size=3 nodes=1 "
                                 "transports=\"shm:2\""),
              1);
    EXPECT_EQ(lines.count(rank + " event=planned communicator=1 call=\"allreduce"), 1);
    EXPECT_EQ(lines.count(rank + " event=failed communicator=1 cause=\"rank 1 aborted the "
                                 "communicator: enough\""),
              1);
  }
}

constexpr const char* faults = "seed=11,delay=3,full=0.1,reorder=0.2";

INSTANTIATE_TEST_SUITE_P(
    As, Threads,
    ::testing::Values(
        Case{"every_collective", 3, "shm"}, Case{"every_collective", 4, "tcp"},
        Case{"every_collective", 5, "shm", faults}, Case{"every_algorithm", 4, "shm"},
        Case{"every_type", 2, "shm"}, Case{"premultiplied_sums", 3, "shm"},
        Case{"premultiplied_sums", 2, "tcp"}, Case{"premultiplied_requests", 5, "shm"},
        Case{"user_reductions", 3, "shm"}, Case{"uneven_user_reductions", 3, "shm"},
        Case{"uneven_user_reductions", 5, "tcp"}, Case{"ordered_algorithms", 4, "tcp"},
        Case{"user_pointers_and_types", 5, "shm"}, Case{"user_requests", 2, "shm"},
        Case{"planned_collectives", 3, "shm"}, Case{"planned_messages", 5, "tcp"},
        Case{"planned_products_in_place", 3, "shm"}, Case{"planned_requests", 4, "shm"},
        Case{"planned_requests", 3, "tcp", faults}, Case{"every_uneven_call", 1, "shm"},
        Case{"every_uneven_call", 3, "shm"}, Case{"every_uneven_call", 5, "tcp"},
        Case{"every_uneven_call", 7, "shm", faults}, Case{"large_uneven_calls", 3, "shm"},
        Case{"every_uneven_algorithm", 4, "shm"}, Case{"changing_counts", 3, "tcp"},
        Case{"opposite_order", 2, "shm"}, Case{"opposite_order", 2, "tcp"},
        Case{"opposite_order", 7, "shm"}, Case{"pending_while_splitting", 5, "shm"},
        Case{"pending_while_splitting", 3, "tcp"}, Case{"thousand_requests", 4, "shm"},
        Case{"thousand_requests", 3, "tcp", faults}, Case{"tests_alone", 3, "shm"},
        Case{"many_alike", 3, "shm"}, Case{"many_alike", 5, "shm"}, Case{"many_alike", 3, "tcp"},
        Case{"one_way", 3, "shm"}, Case{"exchange_around", 5, "shm"},
        Case{"exchange_around", 4, "tcp", faults}, Case{"fifty_communicators", 3, "shm"},
        Case{"part_outlives_parent", 4, "shm"}, Case{"allocated_memory", 3, "shm"},
        Case{"registered_memory", 2, "shm"}, Case{"mixed_memory", 3, "shm"},
        Case{"shared_by_threads", 2, "shm"}, Case{"shared_by_threads", 3, "shm"},
        Case{"shared_by_threads", 3, "tcp", faults}, Case{"planned_by_threads", 3, "shm"},
        Case{"made_beside", 2, "shm"}, Case{"made_beside", 3, "tcp"},
        Case{"made_in_any_order", 2, "shm"}, Case{"made_in_any_order", 3, "shm"},
        Case{"made_in_any_order", 3, "tcp"}, Case{"split_before_others_come", 2, "shm"},
        Case{"split_before_others_come", 3, "tcp"}, Case{"connected_in_any_order", 3, "shm"},
        Case{"connected_in_any_order", 5, "tcp"}, Case{"told_when_done", 1, "shm"},
        Case{"told_when_done", 3, "shm"}, Case{"told_when_done", 2, "tcp"},
        Case{"driven_by_thread", 1, "shm"}, Case{"driven_by_thread", 2, "shm"},
        Case{"driven_by_thread", 5, "shm"}, Case{"driven_by_thread", 3, "tcp", faults}),
    [](const auto& test) {
      return std::string(test.param.scenario) + "_" + test.param.transport + "_" +
             std::to_string(test.param.ranks) + (*test.param.fault == '\0' ? "" : "_faults");
    });

}  // namespace
}  // namespace motet::testing
