// Rows of docs/faults.md that take half a minute each.
#include "faults.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class SlowFaults : public Faults {};

TEST_F(SlowFaults, RankZerosHostThatIsCutOffIsNamedByAllOthers) {
  const auto heard = run({.scripts = {"link_down:100 loop:100", "loop:100"}});
  for (const std::size_t rank : {1U, 2U}) {
    EXPECT_THAT(heard[rank].find("loop"), Ended(peer_lost, HasSubstr("rank 0 on host h0")));
  }
}

TEST_F(SlowFaults, AHostThatComesBackTooLateHasBeenGivenUp) {
  const auto heard = run({.scripts = {"loop:100", "link_down:100:25000 loop:100", "loop:100"}});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("loop"), Ended(peer_lost, HasSubstr("rank 1 on host h1")));
  }
  EXPECT_THAT(heard[1].find("loop"), Ended(peer_lost, HasSubstr("is gone (")));
}

// Rank 0, which has the hub, hears both.
TEST_F(SlowFaults, TwoHostsThatCannotReachOneAnotherAnyMoreEndTheJob) {
  // Rank 1's host sends what is for host h2 to nobody; in a ring it has to.
  const std::string cut =
      "if [ $RANK = 1 ]; then echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6; (sleep 1; ip "
      "neighbour replace 10.77.0.3 lladdr 02:00:00:00:00:01 dev eth0 nud permanent) & fi";
  for (const Heard& rank : run({.scripts = {"loop:1000"},
                           .first = cut,
                           .environment = {{"MOTET_ALGORITHM", "ring"}}})) {
    EXPECT_THAT(rank.find("loop"),
                Ended(peer_lost, AllOf(AnyOf(HasSubstr("rank 1 on host h1 is gone (tcp: "),
                                             HasSubstr("rank 2 on host h2 is gone (tcp: ")))));
  }
}

// Those of rank 0's host, so that the hub too must have been found again by the first.
TEST_F(SlowFaults, RailsMayBeDownForLongOneAfterTheOther) {
  const std::string goes_on = "lasting:60000:100 barrier";
  expect_success(
      run({.scripts = {"link_down:500:25000:0 link_down:32000:25000:1 " + goes_on, goes_on},
           .environment = two_rails,
           .options = {"--rails", "2"}}));
}

// The host answers for it.
TEST_F(SlowFaults, AHostWhoseRankIsStoppedForLongIsNotTakenForOneThatHasVanished) {
  const std::string runs = "allreduce:4000000 barrier", stops = "stop:40000 " + runs;
  expect_success(run({.scripts = {runs, stops}, .hosts = 2}));
  expect_success(run({.scripts = {stops, runs}, .hosts = 2}));
}

TEST_F(SlowFaults, ARankThatIsHalfAMinuteLateIsWaitedFor) {
  expect_success(run({.scripts = {"barrier"}, .first = "[ $RANK != 2 ] || sleep 30"}));
  expect_success(run({.scripts = {"barrier"}, .first = "[ $RANK != 0 ] || sleep 30"}));
}

}  // namespace
}  // namespace motet::testing
