// The scenarios of calls.hpp with ranks that are processes, over every transport, with every limit
// at its least and under injected faults.
#include <gtest/gtest.h>

#include <ostream>

#include "scenario.hpp"

namespace motet::testing {
namespace {

using Environment = std::map<std::string, std::string>;

const std::map<std::string, Environment> environments{
    {"shm", {{"MOTET_TRANSPORT", "shm"}}},
    {"tcp", {{"MOTET_TRANSPORT", "tcp"}}},
    {"ofi", {{"MOTET_TRANSPORT", "ofi"}}},
    {"ofi_copying", {{"MOTET_TRANSPORT", "ofi"}, {"MOTET_READ_PEERS", "0"}}},
    // LeakSanitizer crashes where UCX has run.
    {"ucx",
     {{"MOTET_TRANSPORT", "ucx"},
      {"MOTET_READ_PEERS", "2"},
      {"ASAN_OPTIONS", "detect_leaks=0"},
      {"UCX_MEM_EVENTS", MOTET_UCX_HOOKS}}},
    {"whole_steps", {{"MOTET_TRANSPORT", "shm"}, {"MOTET_BLOCKWISE", "0"}}},
    {"no_reading", {{"MOTET_TRANSPORT", "shm"}, {"MOTET_READ_PEERS", "0"}}},
    // Everything has to wait for room.
    {"tiny",
     {{"MOTET_TRANSPORT", "shm"},
      {"MOTET_SLOTS", "1"},
      {"MOTET_RING_LINES", "4"},
      {"MOTET_BLOCK_KIB", "4"}}},
    {"faulty_shm",
     {{"MOTET_TRANSPORT", "shm"}, {"MOTET_FAULT", "seed=7,delay=3,full=0.1,reorder=0.2"}}},
    {"faulty_tcp",
     {{"MOTET_TRANSPORT", "tcp"}, {"MOTET_FAULT", "seed=8,delay=3,full=0.1,reorder=0.2"}}},
};

struct Case {
  const char* scenario;
  int ranks;
  const char* environment;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.scenario << " of " << c.ranks << " over " << c.environment;
}
std::string readable_name(const ::testing::TestParamInfo<Case>& test) {
  const auto& [scenario, ranks, environment] = test.param;
  return std::string(scenario) + "_" + environment + "_" + std::to_string(ranks);
}

void expect_right(const Case& c) {
  const TemporaryFolder folder;
  Environment environment = environments.at(c.environment);
  environment["SCENARIO_FOLDER"] = folder.path();
  const auto ranks = run_ranks({.program = MOTET_CALLS_RANK,
                                .arguments = {c.scenario},
                                .ranks = c.ranks,
                                .environment = environment,
                                .deadline_s = 150});
  for (const RankOutput& rank : ranks) EXPECT_EQ(rank.status, 0) << rank.text;
}

class Calls : public ::testing::TestWithParam<Case> {};

TEST_P(Calls, AreRightOnEveryRank) {
  expect_right(GetParam());
}

std::vector<Case> results() {
  std::vector<Case> cases;
  for (const int ranks : {1, 2, 3, 4, 5, 7}) {
    for (const char* environment : {"shm", "tcp", "faulty_shm", "faulty_tcp"}) {
      cases.push_back({"every_collective", ranks, environment});
      cases.push_back({"every_algorithm", ranks, environment});
      cases.push_back({"every_uneven_call", ranks, environment});
    }
    cases.push_back({"every_type", ranks, ranks % 2 == 0 ? "shm" : "tcp"});
    cases.push_back({"large_collectives", ranks, ranks % 2 == 0 ? "tcp" : "shm"});
    if (ranks <= 5) cases.push_back({"large_uneven_calls", ranks, ranks % 2 == 0 ? "shm" : "tcp"});
    cases.push_back({"every_uneven_algorithm", ranks, ranks % 2 == 0 ? "tcp" : "shm"});
  }
  cases.push_back({"large_uneven_calls", 3, "no_reading"});
  cases.push_back({"large_uneven_calls", 3, "shm"});
  cases.push_back({"every_uneven_call", 7, "tiny"});
  cases.push_back({"every_uneven_algorithm", 4, "whole_steps"});
  cases.push_back({"changing_counts", 5, "shm"});
  cases.push_back({"changing_counts", 3, "tcp"});
  cases.push_back({"large_collectives", 3, "no_reading"});
  cases.push_back({"every_collective", 7, "tiny"});
  cases.push_back({"every_algorithm", 5, "tiny"});
  cases.push_back({"every_algorithm", 4, "whole_steps"});
  if (MOTET_HAS_LIBFABRIC) {
    cases.push_back({"every_collective", 3, "ofi"});
    cases.push_back({"every_algorithm", 5, "ofi"});
    cases.push_back({"large_collectives", 2, "ofi"});
    cases.push_back({"large_collectives", 2, "ofi_copying"});
    cases.push_back({"whoever_comes_first", 3, "ofi"});
    cases.push_back({"every_uneven_call", 3, "ofi"});
    cases.push_back({"large_uneven_calls", 3, "ofi"});
    cases.push_back({"large_uneven_calls", 2, "ofi_copying"});
  }
  if (MOTET_HAS_UCX) {
    cases.push_back({"every_algorithm", 3, "ucx"});
    cases.push_back({"large_collectives", 2, "ucx"});
    cases.push_back({"whoever_comes_first", 3, "ucx"});
    cases.push_back({"every_uneven_call", 3, "ucx"});
    cases.push_back({"large_uneven_calls", 2, "ucx"});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Results, Calls, ::testing::ValuesIn(results()), readable_name);

std::vector<Case> operations() {
  std::vector<Case> cases;
  for (const int ranks : {1, 2, 3, 5, 7}) {
    for (const char* environment : {"shm", "tcp"}) {
      cases.push_back({"premultiplied_sums", ranks, environment});
      cases.push_back({"user_reductions", ranks, environment});
    }
    cases.push_back({"ordered_algorithms", ranks, ranks % 2 == 0 ? "tcp" : "shm"});
    cases.push_back({"user_pointers_and_types", ranks, ranks % 2 == 0 ? "shm" : "tcp"});
  }
  for (const char* scenario :
       {"premultiplied_means_fit", "premultiplied_requests", "user_requests"}) {
    cases.push_back({scenario, 2, "tcp"});
    cases.push_back({scenario, 3, "shm"});
    cases.push_back({scenario, 7, "tiny"});
  }
  cases.push_back({"premultiplied_sums", 3, "faulty_tcp"});
  cases.push_back({"premultiplied_sums", 5, "faulty_shm"});
  cases.push_back({"premultiplied_sums", 4, "whole_steps"});
  cases.push_back({"user_reductions", 5, "tiny"});
  cases.push_back({"user_reductions", 4, "whole_steps"});
  cases.push_back({"ordered_algorithms", 4, "faulty_shm"});
  cases.push_back({"ordered_algorithms", 3, "faulty_tcp"});
  for (const char* scenario : {"premultiplied_sums", "user_reductions"}) {
    if (MOTET_HAS_LIBFABRIC) cases.push_back({scenario, 3, "ofi"});
    if (MOTET_HAS_UCX) cases.push_back({scenario, 3, "ucx"});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Operations, Calls, ::testing::ValuesIn(operations()), readable_name);

std::vector<Case> plans() {
  std::vector<Case> cases;
  for (const int ranks : {1, 2, 3, 5, 7}) {
    for (const char* environment : {"shm", "tcp"}) {
      cases.push_back({"planned_collectives", ranks, environment});
      cases.push_back({"planned_messages", ranks, environment});
    }
    cases.push_back({"planned_premultiplied_sums", ranks, ranks % 2 == 0 ? "tcp" : "shm"});
    cases.push_back({"plans_freed_early", ranks, ranks % 2 == 0 ? "shm" : "tcp"});
  }
  cases.push_back({"planned_collectives", 5, "tiny"});
  cases.push_back({"planned_collectives", 3, "faulty_shm"});
  cases.push_back({"planned_requests", 2, "tcp"});
  cases.push_back({"planned_requests", 4, "shm"});
  cases.push_back({"planned_requests", 7, "tiny"});
  cases.push_back({"planned_requests", 3, "faulty_tcp"});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Plans, Calls, ::testing::ValuesIn(plans()), readable_name);

INSTANTIATE_TEST_SUITE_P(
    Requests, Calls,
    ::testing::Values(
        Case{"opposite_order", 2, "shm"}, Case{"opposite_order", 2, "tcp"},
        Case{"opposite_order", 8, "tiny"}, Case{"opposite_order", 3, "faulty_tcp"},
        Case{"pending_while_splitting", 5, "shm"}, Case{"pending_while_splitting", 8, "tiny"},
        Case{"pending_while_splitting", 4, "tcp"}, Case{"pending_while_splitting", 3, "faulty_shm"},
        Case{"thousand_requests", 3, "shm"}, Case{"thousand_requests", 8, "tiny"},
        Case{"thousand_requests", 2, "tcp"}, Case{"thousand_requests", 5, "faulty_shm"},
        Case{"many_alike", 2, "shm"}, Case{"many_alike", 3, "shm"}, Case{"many_alike", 7, "tiny"},
        Case{"many_alike", 4, "tcp"}, Case{"tests_alone", 2, "shm"}, Case{"tests_alone", 5, "tiny"},
        Case{"tests_alone", 3, "tcp"}, Case{"one_way", 3, "shm"}, Case{"one_way", 4, "tiny"},
        Case{"one_way", 3, "tcp"}, Case{"one_way", 5, "faulty_tcp"},
        Case{"exchange_around", 2, "shm"}, Case{"exchange_around", 7, "tiny"},
        Case{"exchange_around", 3, "tcp"}, Case{"exchange_around", 4, "faulty_shm"},
        Case{"whoever_comes_first", 1, "shm"}, Case{"whoever_comes_first", 5, "shm"},
        Case{"whoever_comes_first", 4, "tiny"}, Case{"whoever_comes_first", 3, "tcp"},
        Case{"whoever_comes_first", 3, "faulty_tcp"}, Case{"fifty_communicators", 4, "shm"},
        Case{"fifty_communicators", 2, "tcp"}, Case{"part_outlives_parent", 5, "shm"},
        Case{"part_outlives_parent", 3, "tcp"}),
    readable_name);

INSTANTIATE_TEST_SUITE_P(
    Threads, Calls,
    ::testing::Values(Case{"shared_by_threads", 1, "shm"}, Case{"shared_by_threads", 2, "shm"},
                      Case{"shared_by_threads", 3, "tiny"}, Case{"shared_by_threads", 5, "tcp"},
                      Case{"planned_by_threads", 2, "shm"}, Case{"planned_by_threads", 3, "tcp"},
                      Case{"made_beside", 1, "shm"}, Case{"made_beside", 2, "shm"},
                      Case{"made_beside", 3, "shm"}, Case{"made_beside", 3, "tcp"},
                      Case{"made_in_any_order", 3, "shm"}, Case{"made_in_any_order", 2, "tcp"},
                      Case{"connected_in_any_order", 3, "shm"},
                      Case{"connected_in_any_order", 2, "tcp"}, Case{"told_when_done", 2, "shm"},
                      Case{"told_when_done", 3, "tcp"}, Case{"driven_by_thread", 2, "shm"},
                      Case{"driven_by_thread", 3, "tiny"}, Case{"driven_by_thread", 3, "tcp"}),
    readable_name);

INSTANTIATE_TEST_SUITE_P(
    Memory, Calls,
    ::testing::Values(Case{"allocated_memory", 2, "shm"}, Case{"allocated_memory", 3, "shm"},
                      Case{"allocated_memory", 4, "shm"},
                      Case{"allocated_memory", 2, "whole_steps"},
                      Case{"registered_memory", 2, "shm"}, Case{"registered_memory", 4, "shm"},
                      Case{"mixed_memory", 2, "shm"}, Case{"mixed_memory", 3, "shm"},
                      Case{"mixed_memory", 4, "tiny"}),
    readable_name);

INSTANTIATE_TEST_SUITE_P(
    Meetings, Calls,
    ::testing::Values(Case{"join_by_environment", 3, "shm"}, Case{"join_by_environment", 2, "tcp"},
                      Case{"join_by_id", 2, "tcp"}, Case{"join_by_id", 4, "shm"},
                      Case{"join_by_store", 3, "shm"}, Case{"join_by_store", 2, "tcp"},
                      Case{"join_in_pairs", 4, "shm"}, Case{"join_in_pairs", 3, "tcp"},
                      Case{"join_by_threads_too", 1, "shm"}, Case{"join_by_threads_too", 3, "shm"},
                      Case{"join_by_threads_too", 2, "tcp"}),
    readable_name);

}  // namespace
}  // namespace motet::testing
