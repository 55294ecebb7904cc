// For tests of trouble: runs scripts (see commands.hpp) and reads what every rank said.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scenario.hpp"

namespace motet::testing {

// An error must come within this even on a busy machine; it usually takes a tenth.
constexpr double longest_ms = 5000;

struct Said {
  std::string what;
  int status = 0;  // motet_status
  double ms = 0;
  std::string text;
};
void PrintTo(const Said& said, std::ostream* out);

struct Heard {
  int status = 0;  // as RankOutput's
  std::vector<Said> said;
  std::string text;  // everything
  // The first of that name.
  Said find(const std::string& what) const;
};
std::vector<Heard> read(const std::vector<RankOutput>& ranks);

// Over each transport.
class Trouble : public ::testing::TestWithParam<const char*> {
 protected:
  // scripts: of rank 0, of rank 1, ...; the last for all others.
  static std::vector<Heard> run(int ranks, const std::vector<std::string>& scripts) {
    return run({.arguments = scripts, .ranks = ranks});
  }
  static std::vector<Heard> run(Launch launch) {
    launch.program = MOTET_SCENARIO_RANK;
    launch.environment["MOTET_TRANSPORT"] = GetParam();
    return read(run_ranks(launch));
  }
};

MATCHER_P2(Failed, status, text, "") {
  return arg.status == status && arg.ms < longest_ms &&
         ::testing::ExplainMatchResult(text, arg.text, result_listener);
}
MATCHER(Succeeded, "") {
  return arg.status == 0;
}

#define MOTET_OVER_EVERY_TRANSPORT(Suite)                                \
  INSTANTIATE_TEST_SUITE_P(Over, Suite, ::testing::Values("shm", "tcp"), \
                           [](const auto& test) { return std::string(test.param); })

}  // namespace motet::testing
