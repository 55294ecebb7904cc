// Runs scripts on emulated hosts, one rank on each, for tests of what goes wrong there.
#pragma once

#include <string>
#include <vector>

#include "hosts.hpp"
#include "trouble.hpp"

namespace motet::testing {

// Two rails; ranks meet on the first.
inline const Launch::Environment two_rails{
    {"MOTET_TRANSPORT", "rails"}, {"MOTET_RAILS", "eth0,eth1"}, {"MOTET_INTERFACE", "eth0"}};

constexpr int timed_out = 3, peer_lost = 4;  // motet_status

// Ends with this text; however long that takes, it is not for ever.
MATCHER_P2(Ended, status, text, "") {
  return arg.status == status && ::testing::ExplainMatchResult(text, arg.text, result_listener);
}

class Faults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = hosts_unavailable_because(); !why.empty()) GTEST_SKIP() << why;
  }

  struct Setting {
    std::vector<std::string> scripts;  // of rank 0, of rank 1, ...; the last for all others
    int hosts = 3;
    std::string first = "true";  // a shell's words, run by each rank before it joins
    Launch::Environment environment = {};
    std::vector<std::string> options = {};  // of multihost.sh
  };
  static std::vector<Heard> run(const Setting& setting) {
    const auto& [scripts, hosts, first, environment, options] = setting;
    Launch launch{.program = "bash",
                  .arguments = {"-c", first + "; exec " MOTET_SCENARIO_RANK " \"$@\"", "rank"},
                  .ranks = hosts,
                  .environment = environment,
                  .deadline_s = 100};
    launch.environment.try_emplace("MOTET_TRANSPORT", "tcp");
    launch.arguments.insert(launch.arguments.end(), scripts.begin(), scripts.end());
    std::vector<std::string> words{std::to_string(hosts)};
    words.insert(words.end(), options.begin(), options.end());
    return read(run_on_hosts(words, launch));
  }

  static void expect_success(const std::vector<Heard>& heard) {
    for (const Heard& rank : heard) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      for (const Said& said : rank.said) EXPECT_THAT(said, Succeeded());
    }
  }
};

}  // namespace motet::testing
