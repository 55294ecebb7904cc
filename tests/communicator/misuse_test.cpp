// Bad arguments, aborts, requests that outlive their communicator, meetings that fail.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trouble.hpp"

namespace motet::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr int invalid_argument = 1, timed_out = 3, aborted = 5;  // motet_status

class Misuse : public Trouble {};

TEST_P(Misuse, OfArgumentsIsRefusedAndChangesNothing) {
  for (const Heard& rank : run(3, {"bad_arguments allreduce:100 broadcast:5:2"})) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const auto& [what, text] : std::map<std::string, const char*>{
             {"input", "allreduce: the input is NULL"},
             {"output", "allreduce: the output is NULL"},
             {"negative root", "broadcast: root -1 is not a rank"},
             {"large root", "broadcast: root 3 is not a rank: there are 0 to 2"},
             {"type", "type 77 does not exist"},
             {"negative type", "does not exist"},
             {"op", "operation 77 does not exist"},
             {"negative op", "does not exist"},
             {"op and scale", "operation 77 does not exist"},
             {"bitwise", "and is not defined for float32"},
             {"integers premultiplied", "premul_sum is not defined for int32"},
             {"no scale", "premul_sum needs a motet_call with its member `scale`"},
             {"no scale any more", "premul_sum needs a motet_call with its member `scale`"},
             {"a caller without scales", "premul_sum needs a motet_call with its member `scale`"},
             {"scale of a sum", "allreduce: a scale is given, but the operation is sum"},
             {"scale of a broadcast", "broadcast: a scale is given, but nothing is combined"},
             {"no reduction", "user needs a motet_call with its member `reduction`"},
             {"none in the call", "user needs a motet_call with its member `reduction`"},
             {"reduction's size", "set it to sizeof(motet_reduction)"},
             {"no function", "combine is NULL"},
             {"reduction of a sum", "a reduction is given, but the operation is sum"},
             {"reduction of a barrier", "a reduction is given, but nothing is combined"},
             {"long elements", "elements of 1028 bytes are longer than 1024"},
             {"elements of one and a half", "elements of 6 bytes are not made of float32"},
             {"overlapping elements", "overlap"},
             {"unordered algorithm", "\"ring\" does not support this problem"},
             {"scale of a user's", "a scale is given, but the operation is user"},
             {"overlap", "overlap"},
             {"count", "do not fit into memory"},
             {"communicator", "the communicator is NULL"},
             {"peer", "a rank cannot be its own peer"},
             {"negative peer", "peer -1 is not a rank"},
             {"size", "set it to sizeof(motet_call)"},
             {"algorithm", "there is no algorithm \"magic\""},
             {"prediction's size", "set it to sizeof(motet_prediction)"},
             {"prediction's root", "broadcast: root 3 is not a rank"},
             {"prediction's algorithm", "there is no algorithm \"magic\""},
             {"prediction's collective", "collective 99 does not exist"},
             {"where", "is NULL"},
             {"request", "the request is NULL"}}) {
      EXPECT_THAT(rank.find(what), Failed(invalid_argument, HasSubstr(text)));
    }
    EXPECT_THAT(rank.find("explain"),
                Failed(invalid_argument, HasSubstr("do not fit into memory")));
    EXPECT_NE(rank.find("memory").status, 0) << "tcp shares none";
    EXPECT_THAT(rank.find("allreduce"), Succeeded());
    EXPECT_THAT(rank.find("broadcast"), Succeeded());
  }
}

TEST_P(Misuse, OfPlansIsRefusedAndChangesNothing) {
  for (const Heard& rank : run(3, {"bad_plans allreduce:100"})) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const auto& [what, text] : std::map<std::string, const char*>{
             {"too many", "do not fit into memory"},
             {"both", "either started, with `request` or `on_done`, or bound, with `plan`"},
             {"started again", "plan of allreduce: it is under way"},
             {"run while started", "plan of allreduce: it is under way"},
             {"no request", "where to put the request is NULL"},
             {"no plan", "the plan is NULL"}}) {
      EXPECT_THAT(rank.find(what), Failed(invalid_argument, HasSubstr(text)));
    }
    for (const char* what : {"run when done", "nothing to free", "allreduce"}) {
      EXPECT_THAT(rank.find(what), Succeeded());
    }
  }
}

TEST_P(Misuse, OfConfigurationsIsRefused) {
  const Heard rank = run(1, {"bad_config allreduce:5"}).front();
  for (const auto& [what, text] :
       std::map<std::string, const char*>{{"size", "set it to sizeof(motet_config)"},
                                          {"transport", "\"pigeon\""},
                                          {"id", "the unique id is malformed"},
                                          {"store", "set or get is NULL"},
                                          {"rank", "rank 2 of world size 2"},
                                          {"where", "is NULL"}}) {
    EXPECT_THAT(rank.find(what), Failed(invalid_argument, HasSubstr(text)));
  }
  EXPECT_THAT(rank.find("allreduce"), Succeeded());
}

class Aborts : public Trouble {};

TEST_P(Aborts, FromAnyThreadReachAll) {
  for (const Heard& rank : run(3, {"abort_from_thread barrier"})) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const char* call : {"loop", "error", "barrier"}) {
      EXPECT_THAT(rank.find(call),
                  Failed(aborted, HasSubstr("rank 1 aborted the communicator: the loss is NaN")));
    }
    // What is wrong with a call itself is said all the same.
    EXPECT_THAT(rank.find("type"), Failed(invalid_argument, HasSubstr("type 77")));
    EXPECT_THAT(rank.find("op"), Failed(invalid_argument, HasSubstr("operation 77")));
  }
}

TEST_P(Aborts, EndPlansLikeCalls) {
  const auto heard = run(3, {"plans_and_abort"});
  const auto aborted_by_1 = HasSubstr("rank 1 aborted the communicator: enough");
  EXPECT_THAT(heard[0].find("started"), Failed(aborted, aborted_by_1));
  for (const Heard& rank : heard) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    for (const char* call : {"run", "start"}) {
      EXPECT_THAT(rank.find(call), Failed(aborted, aborted_by_1));
    }
    for (const char* call : {"run alone", "start alone"}) {
      EXPECT_THAT(
          rank.find(call),
          Failed(invalid_argument, HasSubstr("plan of allreduce: its communicator was destroyed")));
    }
  }
}

TEST_P(Aborts, OfCallsThatTheirCallerGivesUpReachAll) {
  for (const std::string how : {"called", "started"}) {
    const auto heard =
        run(3, {"loop:1 barrier", "interrupt:" + how + " reach:0 barrier", "await:0 barrier"});
    const auto interrupted = Failed(aborted, HasSubstr("rank 1 was interrupted"));
    EXPECT_EQ(heard[0].find("loop").status, aborted);
    EXPECT_THAT(heard[0].find("loop").text, HasSubstr("rank 1 was interrupted"));
    EXPECT_THAT(heard[1].find("interrupt"), interrupted);
    for (const Heard& rank : heard) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      EXPECT_THAT(rank.find("barrier"), interrupted);
    }
  }
}

TEST_P(Aborts, OfOnePartOfASplitSpareTheOther) {
  for (const std::string end : {"abort", "leave"}) {
    const auto heard = run(4, {"split_and:0:go_on barrier", "split_and:1:" + end + " barrier",
                               "split_and:0:go_on barrier", "split_and:1:" + end + " barrier"});
    for (const Heard& rank : heard) {
      EXPECT_EQ(rank.status, 0) << rank.text;
      EXPECT_THAT(rank.said.back(), Succeeded());
    }
    for (const std::size_t rank : {0U, 2U}) EXPECT_THAT(heard[rank].find("part"), Succeeded());
  }
}

TEST_P(Aborts, EndTheRequestsOfADestroyedCommunicator) {
  const auto heard = run(2, {"destroy_with_requests reach:0", "await:0"});
  EXPECT_EQ(heard[0].status, 0) << heard[0].text;
  EXPECT_THAT(heard[0].find("destroy"), Succeeded());
  EXPECT_LT(heard[0].find("destroy").ms, longest_ms);
  for (const Said& said : heard[0].said) {
    if (said.what != "wait" && said.what != "test") continue;
    EXPECT_THAT(said, Failed(aborted, HasSubstr("the communicator was destroyed")));
  }
}

class Meetings : public Trouble {
 protected:
  static std::vector<Heard> fail(Launch launch) {
    launch.arguments = {"barrier"};
    launch.environment["MOTET_SETUP_TIMEOUT_MS"] = "1500";
    return run(launch);
  }
};

TEST_P(Meetings, NameWhoIsMissing) {
  for (const int missing : {2, 1}) {
    const auto heard = fail({.ranks = 3, .missing = missing});
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == missing) continue;
      EXPECT_THAT(heard[static_cast<std::size_t>(rank)].find("create"),
                  Failed(timed_out, AllOf(HasSubstr("1 of 3 ranks did not come"),
                                          HasSubstr("rank " + std::to_string(missing)))));
    }
  }
}

TEST_P(Meetings, NameRankZeroIfItIsMissing) {
  const auto heard = fail({.ranks = 2, .missing = 0});
  EXPECT_THAT(heard[1].find("create"),
              Failed(timed_out, AllOf(HasSubstr("rank 1"), HasSubstr("rank 0"))));
}

TEST_P(Meetings, RefuseAnotherSecret) {
  const auto heard = fail({.ranks = 3, .of = {{1, {{"MOTET_SECRET", "quite another secret"}}}}});
  for (const Heard& rank : heard) {
    EXPECT_NE(rank.find("create").status, 0) << rank.text;
    EXPECT_LT(rank.find("create").ms, longest_ms + 1500);
  }
  EXPECT_THAT(heard[0].find("create").text, HasSubstr("rank 1"));
  EXPECT_THAT(heard[2].find("create").text, HasSubstr("rank 1"));
  EXPECT_THAT(heard[1].find("create").text, HasSubstr("secret"));
}

TEST_P(Meetings, FailWhereTwoAreTheSameRank) {
  for (const Heard& rank : fail({.ranks = 3, .of = {{2, {{"RANK", "1"}}}}})) {
    EXPECT_NE(rank.find("create").status, 0) << rank.text;
    EXPECT_LT(rank.find("create").ms, longest_ms + 1500);
  }
}

TEST_P(Meetings, FailWhereTheEnvironmentHasNoRank) {
  const auto heard = fail({.ranks = 1, .of = {{0, {{"RANK", ""}}}}});
  EXPECT_THAT(heard[0].find("create"),
              Failed(invalid_argument, HasSubstr("names only one of RANK and WORLD_SIZE")));
}

TEST_P(Meetings, FailWhereRanksAreToldOfMore) {
  for (const Heard& rank : fail({.ranks = 2, .of = {{1, {{"WORLD_SIZE", "3"}}}}})) {
    EXPECT_THAT(
        rank.find("create"),
        Failed(invalid_argument, HasSubstr("rank 1 was told a world size of 3, rank 0 one of 2")));
  }
}

// The two who agree may have gone before it hears of them.
TEST_P(Meetings, FailWhereTheLastRankWasToldOfMore) {
  const auto heard =
      fail({.ranks = 3, .environment = {{"WORLD_SIZE", "2"}}, .of = {{2, {{"WORLD_SIZE", "3"}}}}});
  for (const std::size_t rank : {0U, 1U}) EXPECT_THAT(heard[rank].find("create"), Succeeded());
  EXPECT_NE(heard[2].find("create").status, 0);
  EXPECT_THAT(heard[2].find("create").text,
              AllOf(HasSubstr("rank 2: joining: "),
                    AnyOf(HasSubstr("rank 2 was told a world size of 3, rank 0 one of 2"),
                          HasSubstr("closed by the peer"), HasSubstr("Connection refused"))));
}

TEST_P(Meetings, RefuseAnAlgorithmThatDoesNotExist) {
  for (const Heard& rank : fail({.ranks = 2, .environment = {{"MOTET_ALGORITHM", "magic"}}})) {
    EXPECT_THAT(
        rank.find("create"),
        Failed(invalid_argument, HasSubstr("MOTET_ALGORITHM: there is no algorithm \"magic\"")));
  }
}

// Negative: the port is in use.
int listen_on(int port) {
  const int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(port));
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (bound && listen(listener, 1) == 0) return listener;
  close(listener);
  return -1;
}

bool is_free(int port) {
  const int listener = listen_on(port);
  if (listener >= 0) close(listener);
  return listener >= 0;
}

// torchrun's own store listens on the port that it gives to the ranks, and rank 0 on the next one,
// which must be free: below those that the kernel hands out.
TEST_P(Meetings, LeaveThePortOfAnAgentAlone) {
  int port = 20'000 + getpid() % 5'000 * 2;
  while (!is_free(port + 1) || !is_free(port)) ASSERT_LT(port += 2, 32'000);
  const int agent = listen_on(port);
  ASSERT_GE(agent, 0);
  for (const Heard& rank : run({.arguments = {"allreduce:100"},
                           .ranks = 2,
                           .environment = {{"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                           {"MASTER_PORT", std::to_string(port)}}})) {
    EXPECT_THAT(rank.find("allreduce"), Succeeded());
  }
  close(agent);
}

// What only some ranks have is used by nobody.
TEST_P(Meetings, TakeATransportThatAllHave) {
  const std::string other = std::string(GetParam()) == "shm" ? "tcp,shm" : "shm,tcp";
  for (const Heard& rank : run({.arguments = {"allreduce:100"},
                           .ranks = 3,
                           .of = {{1, {{"MOTET_TRANSPORT", other}}}}})) {
    EXPECT_EQ(rank.status, 0) << rank.text;
    EXPECT_THAT(rank.find("allreduce"), Succeeded());
  }
}

TEST_P(Meetings, FailWhereRanksAreToldOfFewer) {
  for (const Heard& rank : fail({.ranks = 2, .of = {{0, {{"WORLD_SIZE", "3"}}}}})) {
    EXPECT_THAT(rank.find("create"), Failed(timed_out, HasSubstr("1 of 3 ranks did not come")));
  }
}

TEST_P(Meetings, RefuseAnEnvironmentThatIsHalfThere) {
  const auto heard = fail({.ranks = 1, .of = {{0, {{"WORLD_SIZE", ""}}}}});
  EXPECT_THAT(heard[0].find("create"),
              Failed(invalid_argument, HasSubstr("only one of RANK and WORLD_SIZE")));
}

TEST_P(Meetings, NeedNoSecretOnOneMachine) {
  for (const Heard& rank : run({.arguments = {"allreduce:100"},
                           .ranks = 3,
                           .environment = {{"MOTET_SECRET", ""}, {"MASTER_ADDR", ""}}})) {
    EXPECT_THAT(rank.find("allreduce"), Succeeded());
  }
}

MOTET_OVER_EVERY_TRANSPORT(Misuse);
MOTET_OVER_EVERY_TRANSPORT(Aborts);
MOTET_OVER_EVERY_TRANSPORT(Meetings);

}  // namespace
}  // namespace motet::testing
