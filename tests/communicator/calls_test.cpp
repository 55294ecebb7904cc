// Right results through the public interface, from processes, over every transport and under
// injected faults.
#include <gtest/gtest.h>

#include <ostream>

#include "scenario.hpp"

namespace motet::testing {
namespace {

struct Case {
  const char* name;
  const char* scenario;
  int ranks;
  std::map<std::string, std::string> environment;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class Calls : public ::testing::TestWithParam<Case> {};

TEST_P(Calls, AreRightOnEveryRank) {
  const Case& c = GetParam();
  const auto ranks = run_ranks({.program = MOTET_CALLS_RANK,
                                .arguments = {c.scenario},
                                .ranks = c.ranks,
                                .environment = c.environment,
                                .deadline_s = 150});
  for (const RankOutput& rank : ranks) EXPECT_EQ(rank.status, 0) << rank.text;
}

using Environment = std::map<std::string, std::string>;
const Environment shm{{"MOTET_TRANSPORT", "shm"}};
const Environment tcp{{"MOTET_TRANSPORT", "tcp"}};
// Every limit at its least, so that everything has to wait for room.
const Environment tiny{{"MOTET_TRANSPORT", "shm"},
                       {"MOTET_SLOTS", "1"},
                       {"MOTET_RING_LINES", "4"},
                       {"MOTET_BLOCK_KIB", "4"}};
const Environment faults_shm{{"MOTET_TRANSPORT", "shm"},
                             {"MOTET_FAULT", "seed=7,delay=3,full=0.1,reorder=0.3"}};
const Environment faults_tcp{{"MOTET_TRANSPORT", "tcp"},
                             {"MOTET_FAULT", "seed=8,delay=2,full=0.2,reorder=0.3"}};

std::vector<Case> cases() {
  return {{"allreduce_shm_1", "every_allreduce", 1, shm},
          {"allreduce_shm_2", "every_allreduce", 2, shm},
          {"allreduce_shm_7", "every_allreduce", 7, shm},
          {"allreduce_tcp_3", "every_allreduce", 3, tcp},
          {"allreduce_tiny_5", "every_allreduce", 5, tiny},
          {"allreduce_whole_steps_4", "every_allreduce", 4, {{"MOTET_BLOCKWISE", "0"}}},
          {"allreduce_faults_shm_3", "every_allreduce", 3, faults_shm},
          {"allreduce_faults_tcp_4", "every_allreduce", 4, faults_tcp},
          {"collectives_shm_1", "every_collective", 1, shm},
          {"collectives_shm_2", "every_collective", 2, shm},
          {"collectives_shm_5", "every_collective", 5, shm},
          {"collectives_tcp_3", "every_collective", 3, tcp},
          {"collectives_tiny_7", "every_collective", 7, tiny},
          {"collectives_faults_shm_5", "every_collective", 5, faults_shm},
          {"opposite_shm_2", "opposite_order", 2, shm},
          {"opposite_tiny_8", "opposite_order", 8, tiny},
          {"opposite_tcp_2", "opposite_order", 2, tcp},
          {"opposite_faults_tcp_3", "opposite_order", 3, faults_tcp},
          {"pending_shm_5", "pending_while_splitting", 5, shm},
          {"pending_tiny_8", "pending_while_splitting", 8, tiny},
          {"pending_tcp_4", "pending_while_splitting", 4, tcp},
          {"thousand_shm_3", "thousand_requests", 3, shm},
          {"thousand_tiny_8", "thousand_requests", 8, tiny},
          {"thousand_tcp_2", "thousand_requests", 2, tcp},
          {"one_way_shm_3", "one_way", 3, shm},
          {"one_way_tiny_4", "one_way", 4, tiny},
          {"one_way_tcp_3", "one_way", 3, tcp},
          {"fifty_shm_4", "fifty_communicators", 4, shm},
          {"mapped_shm_2", "mapped_memory", 2, shm},
          {"mapped_shm_5", "mapped_memory", 5, shm},
          {"twice_shm_3", "twice", 3, shm},
          {"twice_tcp_2", "twice", 2, tcp}};
}

INSTANTIATE_TEST_SUITE_P(As, Calls, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace motet::testing
