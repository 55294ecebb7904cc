// What becomes of a job when hosts or the network between them fail: rows of docs/faults.md. Here a
// fault of seconds stands for one of minutes where the library treats both alike.
#include "faults.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(Faults, AnInterfaceThatComesBackInTimeOnlyDelays) {
  const std::string runs = "allreduce:100 allreduce:100 barrier";
  expect_success(
      run({.scripts = {runs, "allreduce:100 link_down:0:3000 allreduce:100 barrier", runs}}));
}

TEST_F(Faults, AnInterfaceThatComesBackInTimeOnlyDelaysALargeCall) {
  expect_success(run({.scripts = {"allreduce:16000000", "link_down:1000:3000 allreduce:16000000"},
                      .hosts = 2,
                      .options = {"--rate", "1gbit"}}));
}

const std::string large_calls =
    "allreduce:4000000 allreduce:4000000 allreduce:4000000 allreduce:4000000 barrier ";

TEST_F(Faults, ARailThatIsLostForGoodIsLeftToTheOther) {
  const auto heard = run({.scripts = {large_calls, "link_down:300:0:1 " + large_calls},
                          .hosts = 2,
                          .environment = two_rails,
                          .options = {"--rails", "2", "--rate", "200mbit"}});
  expect_success(heard);
  EXPECT_THAT(heard[0].text, HasSubstr("rank=0 event=rail-lost rail=eth1"));
}

TEST_F(Faults, ARailThatComesBackIsUsedAgain) {
  const auto heard =
      run({.scripts = {large_calls + large_calls + large_calls,
                       "link_down:300:2000:1 " + large_calls + large_calls + large_calls},
           .hosts = 2,
           .environment = two_rails,
           .options = {"--rails", "2", "--rate", "200mbit"}});
  expect_success(heard);
}

// Longer than a host may be silent.
TEST_F(Faults, TheFirstRailMayBeDownForLongerThanAHost) {
  const std::string goes_on = "lasting:28000:100 allreduce:100000 barrier";
  expect_success(run({.scripts = {goes_on, "link_down:500:25000:0 " + goes_on},
                      .hosts = 2,
                      .environment = two_rails,
                      .options = {"--rails", "2"}}));
}

TEST_F(Faults, AHostOfWhichAllRailsAreDownIsNamed) {
  const auto heard =
      run({.scripts = {"loop:100", "link_down:500:0:0 link_down:1500:0:1 loop:100", "loop:100"},
           .environment = two_rails,
           .options = {"--rails", "2"}});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("loop"),
                Ended(peer_lost, AllOf(HasSubstr("rank 1 on host h1"), HasSubstr("is gone ("))));
  }
}

TEST_F(Faults, AHostThatIsCutOffIsNamedByAllOthers) {
  const auto heard =
      run({.scripts = {"loop:100 barrier", "link_down:100 loop:100", "loop:100 barrier"}});
  for (const std::size_t rank : {0U, 2U}) {
    const auto gone =
        AllOf(HasSubstr("allreduce #"), HasSubstr("rank 1 on host h1"), HasSubstr("is gone ("));
    EXPECT_THAT(heard[rank].find("loop"), Ended(peer_lost, gone));
    EXPECT_THAT(heard[rank].find("barrier"), Ended(peer_lost, HasSubstr("rank 1 on host h1")));
  }
  // It cannot know that it is alone; it names somebody it does not hear any more.
  EXPECT_THAT(heard[1].find("loop"), Ended(peer_lost, HasSubstr("is gone (")));
}

TEST_F(Faults, ARankThatIsKilledOnAnotherHostIsNamedAtOnce) {
  const std::vector<std::string> scripts{"loop:1000", "die:1000", "loop:1000"};
  for (const auto& heard :
       {run({.scripts = scripts}),
        run({.scripts = scripts, .environment = two_rails, .options = {"--rails", "2"}})}) {
    for (const std::size_t rank : {0U, 2U}) {
      EXPECT_THAT(heard[rank].find("loop"),
                  Failed(peer_lost, AllOf(HasSubstr("rank 1 on host h1 (pid "),
                                          HasSubstr("is gone (connection to rank 0: closed by"))));
    }
  }
}

TEST_F(Faults, ARankThatStopsWithinTheDeadlineOnlyDelays) {
  expect_success(run({.scripts = {"allreduce:100", "allreduce:100", "stop:2000 allreduce:100"},
                      .environment = {{"MOTET_TIMEOUT_MS", "20000"}}}));
}

TEST_F(Faults, ARankThatStopsBeyondTheDeadlineIsNamed) {
  const auto heard =
      run({.scripts = {"timeout:1000 allreduce:100", "stop:5000", "timeout:1000 allreduce:100"}});
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(heard[rank].find("allreduce"),
                Ended(timed_out, AllOf(HasSubstr("timed out after 1000 ms"),
                                       HasSubstr("rank 1 does not answer"))));
  }
}

TEST_F(Faults, ARankZeroThatStopsBeyondTheDeadlineIsNamed) {
  const auto heard = run({.scripts = {"stop:5000", "timeout:1000 allreduce:100"}});
  for (const std::size_t rank : {1U, 2U}) {
    EXPECT_THAT(heard[rank].find("allreduce"),
                Ended(timed_out, HasSubstr("rank 0, which would know, does not answer")));
  }
}

TEST_F(Faults, ARankZeroThatNeverComesIsNamedWithItsAddress) {
  const auto heard = run({.scripts = {"barrier"},
                          .first = "[ $RANK != 0 ] || exit 0",
                          .environment = {{"MOTET_SETUP_TIMEOUT_MS", "2000"}}});
  for (const std::size_t rank : {1U, 2U}) {
    EXPECT_THAT(heard[rank].find("create"),
                Ended(timed_out, AllOf(StartsWith("rank " + std::to_string(rank) + ": joining: "),
                                       HasSubstr("no connection to rank 0: 10.77.0.1:29500: "
                                                 "Connection refused"))));
  }
}

TEST_F(Faults, AnotherRankThatNeverComesIsNamed) {
  const auto heard = run({.scripts = {"barrier"},
                          .first = "[ $RANK != 2 ] || exit 0",
                          .environment = {{"MOTET_SETUP_TIMEOUT_MS", "2000"}}});
  for (const std::size_t rank : {0U, 1U}) {
    EXPECT_THAT(heard[rank].find("create"),
                Ended(timed_out, HasSubstr("joining: 1 of 3 ranks did not come (card): rank 2")));
  }
}

TEST_F(Faults, ALateRankIsWaitedFor) {
  expect_success(run({.scripts = {"barrier"}, .first = "[ $RANK != 2 ] || sleep 2"}));
  expect_success(run({.scripts = {"barrier"}, .first = "[ $RANK != 0 ] || sleep 2"}));
}

TEST_F(Faults, HostsWithoutIPv4UseIPv6) {
  expect_success(
      run({.scripts = {"allreduce:100000 allgather:1000 barrier"}, .options = {"--ipv6-only"}}));
}

// Of options and of the ways between ranks when they join.
class FaultsOfReach : public Faults {
 protected:
  void SetUp() override {
    Faults::SetUp();
    if (IsSkipped()) return;
    const auto alone = run({.scripts = {"barrier"}, .hosts = 1, .environment = {{option, "lo"}}});
    if (alone[0].text.find("is not an option") != std::string::npos) {
      GTEST_SKIP() << alone[0].text;
    }
  }
  static void expect_error(const std::vector<Heard>& heard, const std::string& text) {
    for (const Heard& rank : heard) EXPECT_THAT(rank.find("create").text, HasSubstr(text));
  }
  static constexpr const char* option = "MOTET_INTERFACE";
  static inline const Launch::Environment::value_type impatient{"MOTET_SETUP_TIMEOUT_MS", "6000"};
};

TEST_F(FaultsOfReach, AWrongInterfaceIsTriedAndNamed) {
  const auto heard =
      run({.scripts = {"barrier"}, .hosts = 2, .environment = {{option, "lo"}, impatient}});
  expect_error(heard, "rank 0 on host h0 and rank 1 on host h1 cannot reach each other: tcp: ");
  expect_error(heard, "127.0.0.1:");
}

TEST_F(FaultsOfReach, AnInterfaceThatIsNotThereIsNamed) {
  expect_error(run({.scripts = {"barrier"}, .hosts = 2, .environment = {{option, "eth7"}}}),
               "no network interface fits \"eth7\"; up are eth0, lo");
}

TEST_F(FaultsOfReach, PortsThatAreExhaustedAreNamed) {
  expect_error(run({.scripts = {"barrier"},
                    .hosts = 2,
                    .environment = {{"MOTET_PORT_RANGE", "40000-40000"}}}),
               "40000");
}

TEST_F(FaultsOfReach, APairThatIsRefusedAWayIsNamedByAll) {
  const std::string cut =
      "if [ $RANK = 1 ]; then echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip route add "
      "unreachable 10.77.0.3; fi";
  const auto heard = run({.scripts = {"barrier"}, .first = cut, .environment = {impatient}});
  expect_error(heard, "rank 1 on host h1 and rank 2 on host h2 cannot reach each other: tcp: ");
  expect_error(heard, "10.77.0.");  // that of either, whoever dials
}

}  // namespace
}  // namespace motet::testing
