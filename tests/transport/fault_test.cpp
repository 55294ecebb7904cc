#include "transport/fault/fault_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fleet.hpp"

namespace motet::test {
namespace {

using ::testing::HasSubstr;

TEST(FaultPlan, ParsesWhatItPrints) {
  const FaultPlan plan{.seed = 9, .delay = 3, .full = 0.25, .reorder = 1, .kill = 77};
  EXPECT_EQ(parse_fault_plan(to_text(plan)), plan);
  EXPECT_EQ(parse_fault_plan(to_text(FaultPlan{})), FaultPlan{});
}

TEST(FaultPlan, KeepsDefaultsForWhatIsLeftOut) {
  EXPECT_EQ(parse_fault_plan(""), FaultPlan{});
  EXPECT_EQ(parse_fault_plan("kill=5,full=0.5"), (FaultPlan{.full = 0.5, .kill = 5}));
}

TEST(FaultPlan, QuotesTheWordItRefuses) {
  for (const char* word : {"sed=7", "full=2", "full=-0.1", "full=1", "reorder=1.5", "delay=-1",
                           "delay=1x", "seed=99999999999999999999", "kill", "full=nan"}) {
    try {
      parse_fault_plan(std::string("seed=7,") + word);
      ADD_FAILURE() << word << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr(std::string("\"") + word + '"'));
    }
  }
  EXPECT_THROW(parse_fault_plan("seed=1,seed=2"), Error);
}

Flavour faulty(const FaultPlan& plan) {
  return {"faulty", [plan](const TransportOptions& options) {
            for (const TransportInfo& info : transports()) {
              if (info.name == "tcp") return inject_faults(info.open(options), plan, options.name);
            }
            throw std::runtime_error("no tcp");
          }};
}

// In which order single-block streams arrive.
std::vector<std::uint32_t> order_of_arrival(const FaultPlan& plan) {
  Fleet fleet = connected_fleet(faulty(plan), 2);
  constexpr std::uint32_t streams = 40;
  for (std::uint32_t stream = 0; stream < streams; ++stream) fleet[0].send(1, stream, 0, 16);
  std::vector<std::uint32_t> order;
  while (order.size() < streams) {
    fleet.until([&] { return fleet[1].to(0).front() != nullptr; }, "an arrival");
    order.push_back(fleet[1].to(0).front()->header.stream);
    fleet[1].to(0).pop();
  }
  return order;
}

TEST(Fault, ReordersAcrossStreams) {
  EXPECT_FALSE(std::ranges::is_sorted(order_of_arrival({.seed = 3, .delay = 2, .reorder = 0.5})));
  EXPECT_TRUE(std::ranges::is_sorted(order_of_arrival({.seed = 3, .delay = 2})));
}

// How often each of 50 blocks was refused.
std::vector<int> refusals(const FaultPlan& plan) {
  Fleet fleet = connected_fleet(faulty(plan), 2);
  std::vector<int> refused;
  for (std::uint32_t i = 0; i < 50; ++i) {
    refused.push_back(0);
    while (!fleet[0].to(1).send(header_of(i, 0, 0), nullptr)) ++refused.back();
  }
  return refused;
}

TEST(Fault, RepeatsARunFromItsSeed) {
  const FaultPlan plan{.seed = 21, .full = 0.4};
  EXPECT_EQ(refusals(plan), refusals(plan));
  EXPECT_NE(refusals(plan), refusals({.seed = 22, .full = 0.4}));
}

TEST(Fault, KillsAnEndpointAtTheGivenOperation) {
  Fleet fleet = connected_fleet(faulty({.kill = 10}), 2);
  for (std::uint32_t i = 0; i < 9; ++i) fleet[0].send(1, i, 0, 8);
  EXPECT_EQ(fleet[0].to(1).state(), Endpoint::State::ready);
  fleet[0].send(1, 9, 0, 8);
  EXPECT_EQ(fleet[0].to(1).state(), Endpoint::State::failed);
  EXPECT_THAT(fleet[0].to(1).failure(), HasSubstr("operation 10"));
  EXPECT_EQ(fleet[0].to(1).front(), nullptr);
  fleet.until([&] { return fleet[1].to(0).state() == Endpoint::State::failed; },
              "the peer to notice");
}

// Whatever is killed when, both ends come to an end; nobody waits for the dead.
TEST(Fault, KillsAtAnyOperationWithoutLeavingAnybodyWaiting) {
  for (std::uint64_t kill = 1; kill < 60; kill += 7) {
    const FaultPlan plan{.seed = kill, .delay = 2, .full = 0.2, .reorder = 0.3, .kill = kill};
    Fleet fleet = connected_fleet(faulty(plan), 2);
    fleet.run([](Engine& me) {
      const int peer = 1 - me.rank();
      std::uint32_t sent = 0;
      const auto step = [&] {
        while (me.to(peer).front() != nullptr) me.to(peer).pop();
        while (me.to(peer).state() != Endpoint::State::failed) {
          if (!me.to(peer).send(header_of(sent / 2, sent % 2, 0), nullptr)) return false;
          ++sent;
        }
        return true;
      };
      me.until(step, "an end");
    });
  }
}

}  // namespace
}  // namespace motet::test
