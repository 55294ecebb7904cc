// Ranks that do not have the same transports.
#include "trouble.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int invalid_argument = 1, unavailable = 2;  // motet_status

std::vector<Heard> run(Launch launch) {
  launch.program = MOTET_SCENARIO_RANK;
  return read(run_ranks(launch));
}

Launch three_ranks(const std::map<int, Launch::Environment>& of) {
  return {.arguments = {"allreduce:100"}, .ranks = 3, .of = of};
}

TEST(Reach, IsMadeOfWhatEachPairHasInCommon) {
  for (const Heard& rank : run(three_ranks({{0, {{"MOTET_TRANSPORT", "tcp"}}},
                                            {1, {{"MOTET_TRANSPORT", "shm,tcp"}}},
                                            {2, {{"MOTET_TRANSPORT", "tcp,shm"}}}}))) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    EXPECT_THAT(rank.find("allreduce"), Succeeded());
  }
}

TEST(Reach, ThatIsMissingIsNamedByAllRanksAlike) {
  for (const Heard& rank :
       run(three_ranks({{1, {{"MOTET_TRANSPORT", "shm"}}}, {2, {{"MOTET_TRANSPORT", "tcp"}}}}))) {
    EXPECT_THAT(
        rank.find("create"),
        Failed(unavailable, AllOf(HasSubstr("rank 1 on host"), HasSubstr("rank 2 on host"),
                                  HasSubstr("cannot reach each other"), HasSubstr("shm: rank 1"),
                                  HasSubstr("rank 2 does not have it"))));
  }
}

TEST(Reach, WithinAPortRangeNeedsAPortForEachRank) {
  const Launch::Environment enough{{"MOTET_TRANSPORT", "tcp"}, {"MOTET_PORT_RANGE", "41000-41019"}};
  for (const Heard& rank :
       run({.arguments = {"allreduce:100"}, .ranks = 3, .environment = enough})) {
    EXPECT_THAT(rank.find("allreduce"), Succeeded()) << rank.text;
  }
  const Launch::Environment few{{"MOTET_TRANSPORT", "tcp"}, {"MOTET_PORT_RANGE", "41020-41021"}};
  for (const Heard& rank : run({.arguments = {"allreduce:100"}, .ranks = 3, .environment = few})) {
    EXPECT_THAT(rank.find("create"),
                Failed(unavailable, HasSubstr("each of the 2 ports 41020-41021 is in use")));
  }
}

TEST(Reach, ByAnInterfaceThatIsNotThereIsRefused) {
  for (const Heard& rank : run(three_ranks({{1, {{"MOTET_INTERFACE", "eth77"}}}}))) {
    EXPECT_THAT(rank.find("create"),
                Failed(invalid_argument,
                       AllOf(HasSubstr("rank 1: joining: no network interface fits \"eth77\""),
                             HasSubstr("up are"), HasSubstr("lo"))));
  }
}

}  // namespace
}  // namespace motet::testing
