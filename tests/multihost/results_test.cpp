// Every collective between hosts, over every transport that crosses them.
#include <gtest/gtest.h>

#include <ostream>

#include "hosts.hpp"

namespace motet::testing {
namespace {

struct Hosts {
  const char* name;
  std::vector<std::string> options;
  int ranks;
};
const Hosts two_of_two{"2_hosts_of_2", {"2", "--ranks-per-host", "2"}, 4};
const Hosts four_of_two{"4_hosts_of_2", {"4", "--ranks-per-host", "2", "--rails", "2"}, 8};
const Hosts uneven{"hosts_of_3_and_1", {"2", "--ranks", "3,1"}, 4};
const Hosts dealt_out{"dealt_out", {"2", "--ranks-per-host", "2", "--round-robin"}, 4};

struct Case {
  const char* scenario;
  Hosts hosts;
  const char* transports;  // the last one crosses hosts
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.scenario << " on " << c.hosts.name << " over " << c.transports;
}
std::string readable_name(const ::testing::TestParamInfo<Case>& test) {
  std::string name =
      test.param.transports + std::string("_") + test.param.hosts.name + "_" + test.param.scenario;
  for (char& letter : name) letter = letter == ',' ? '_' : letter;
  return name;
}

class BetweenHosts : public ::testing::TestWithParam<Case> {};

TEST_P(BetweenHosts, CallsAreRight) {
  const auto& [scenario, hosts, transports] = GetParam();
  const std::string list = transports, crossing = list.substr(list.rfind(',') + 1);
  if (const std::string why = hosts_unavailable_because(); !why.empty()) GTEST_SKIP() << why;
  if (const auto why = transport_unavailable_because(crossing); !why.empty()) GTEST_SKIP() << why;
  const auto ranks = run_on_hosts(hosts.options, {.program = MOTET_CALLS_RANK,
                                                  .arguments = {scenario},
                                                  .ranks = hosts.ranks,
                                                  .environment = {{"MOTET_TRANSPORT", list}},
                                                  .deadline_s = 100});
  for (const RankOutput& rank : ranks) EXPECT_EQ(rank.status, 0) << rank.text;
}

std::vector<Case> cases() {
  std::vector<Case> all{{"every_collective", two_of_two, "tcp"},
                        {"every_algorithm", uneven, "shm,tcp"},
                        {"every_algorithm", four_of_two, "shm,tcp"},
                        {"large_collectives", dealt_out, "shm,tcp"}};
  for (const char* transports : {"shm,tcp", "shm,ofi", "shm,ucx"}) {
    for (const Hosts& hosts : {two_of_two, four_of_two, uneven}) {
      all.push_back({"every_collective", hosts, transports});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Over, BetweenHosts, ::testing::ValuesIn(cases()), readable_name);

}  // namespace
}  // namespace motet::testing
