// What the model says where messages meet, and how they are matched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "cases.hpp"

namespace motet {
namespace {

constexpr Slice data{Buffer::input, 0, 1000};  // 4000 bytes, 0.4 us at 10 GB/s
constexpr Slice other{Buffer::scratch, 0, 1000};
constexpr double us = 1e-6;

Step send_to(Rank peer, Mover mover = Mover::either) {
  return {.op = Op::send, .mover = mover, .peer = peer, .src = data, .dst = {}};
}
Step recv_from(Rank peer, Mover mover = Mover::either) {
  return {.op = Op::recv, .mover = mover, .peer = peer, .src = {}, .dst = data};
}
Step copy_step() {
  return {.op = Op::copy, .src = data, .dst = other};
}
Schedule steps(std::vector<Step> list) {
  return {.steps = std::move(list), .dependencies = {}};
}
// Each step waits for the one before.
Schedule in_order(std::vector<Step> list) {
  Schedule schedule{.steps = std::move(list), .dependencies = {}};
  for (std::uint32_t i = 1; i < schedule.steps.size(); ++i) {
    schedule.steps[i].first_dependency = i - 1;
    schedule.steps[i].dependency_count = 1;
    schedule.dependencies.push_back({i - 1, false});
  }
  return schedule;
}

std::vector<double> finish_us(const Fabric& fabric, const std::vector<Schedule>& schedules,
                              LinkModel links = LinkModel::fifo) {
  std::vector<double> times;
  for (const Seconds time : simulate(fabric, schedules, 4, {.links = links}).finish) {
    times.push_back(time.count() * 1e6);
  }
  return times;
}

testing::Matcher<std::vector<double>> times(const std::vector<double>& expected) {
  std::vector<testing::Matcher<double>> each;
  for (const double time : expected) each.push_back(testing::DoubleNear(time, 1e-9));
  return testing::ElementsAreArray(each);
}

TEST(Model, AQueueServesOneAfterTheOtherAndFairLinksBothAtOnce) {
  const std::vector<Schedule> two_to_one{steps({recv_from(1), recv_from(2)}), steps({send_to(0)}),
                                         steps({send_to(0)})};
  const Fabric fabric = around_a_switch(3);
  EXPECT_THAT(finish_us(fabric, two_to_one), times({2.8, 0.4, 0.4}));
  EXPECT_THAT(finish_us(fabric, two_to_one, LinkModel::max_min), times({2.8, 0.8, 0.8}));
}

TEST(Model, FairFlowsTakeWhatOthersLeave) {
  // Ranks 1 and 2 share the way into rank 0; 2 also sends to 3, and each gets half of what leaves
  // it; when the first have ended nothing is left. The link out of 2 and that into 0 are both full.
  const std::vector<Schedule> schedules{steps({recv_from(1), recv_from(2)}), steps({send_to(0)}),
                                        steps({send_to(0), send_to(3)}), steps({recv_from(2)})};
  EXPECT_THAT(finish_us(around_a_switch(4), schedules, LinkModel::max_min),
              times({2.8, 0.8, 0.8, 2.8}));
  // With a third flow into 0 each gets a third there, and 2's other message two thirds: 0.6 us.
  const std::vector<Schedule> more{steps({recv_from(1), recv_from(2), recv_from(4)}),
                                   steps({send_to(0)}), steps({send_to(0), send_to(3)}),
                                   steps({recv_from(2)}), steps({send_to(0)})};
  EXPECT_THAT(finish_us(around_a_switch(5), more, LinkModel::max_min),
              times({3.2, 1.2, 1.2, 2.6, 1.2}));
}

TEST(Model, BothDirectionsOfASharedLinkAreOneQueue) {
  const std::vector<Schedule> exchange{steps({send_to(1), recv_from(1)}),
                                       steps({send_to(0), recv_from(0)})};
  const auto pair = [](std::string_view sharing) {
    return Fabric::from_text(fmt::format(
        "fabric pair\nranks 1 nodes x 2\nclass wire 10 GB/s 2 us {}\nmesh node wire\n", sharing));
  };
  for (const LinkModel links : {LinkModel::fifo, LinkModel::max_min}) {
    EXPECT_NEAR(simulate(pair(""), exchange, 4, {.links = links}).time.count(), 2.4 * us, 1e-15);
    EXPECT_NEAR(simulate(pair("shared"), exchange, 4, {.links = links}).time.count(), 2.8 * us,
                1e-15);
  }
}

TEST(Model, ABufferedSendGoesOnARendezvousWaits) {
  // Rank 1 copies for 4 us before it receives.
  const Fabric fabric = around_a_switch(2, "copy 1 GB/s");
  const auto late = [](Mover mover) {
    return std::vector<Schedule>{steps({send_to(1, mover)}),
                                 in_order({copy_step(), recv_from(0, mover)})};
  };
  EXPECT_THAT(finish_us(fabric, late(Mover::either)), times({0.4, 4.0}));
  EXPECT_THAT(finish_us(fabric, late(Mover::receiver)), times({6.4, 6.4}));
  EXPECT_THAT(finish_us(fabric, late(Mover::sender)), times({6.4, 6.4}));
}

TEST(Model, WherePullsEndWithTheNodeOthersMessagesAreBuffered) {
  // The receiver copies before it receives; a sender on another node need not wait for that.
  const Fabric fabric = Fabric::from_text(
      "fabric two\nranks 2 nodes x 2\nclass wire 10 GB/s 1 us\ncopy 1 GB/s\nswitch node wire\n"
      "switch world wire of node\n");
  const auto finish_of_sender_to = [&](Rank receiver) {
    std::vector<Schedule> schedules(4);
    schedules[0] = steps({send_to(receiver, Mover::receiver)});
    schedules[receiver] = in_order({copy_step(), recv_from(0, Mover::receiver)});
    return simulate(fabric, schedules, 4, {.pulls_within_nodes_only = true}).finish.front();
  };
  EXPECT_GT(finish_of_sender_to(1), microseconds(4));
  EXPECT_LT(finish_of_sender_to(2), microseconds(4));
}

TEST(Model, ARanksProcessorDoesOneThingAtATime) {
  const Fabric fabric = around_a_switch(1, "copy 1 GB/s\nreduce 2 GB/s");
  const Step reduce{.op = Op::reduce, .src = data, .dst = other};
  EXPECT_THAT(finish_us(fabric, {steps({copy_step(), reduce})}), times({6.0}));
}

TEST(Model, LatenciesAddUpAndTheSlowestLinkSetsThePace) {
  const Fabric fabric = Fabric::from_text(
      "fabric two\nranks 2 nodes x 2\nclass bus 40 GB/s 1 us\nclass net 10 GB/s 2 us\n"
      "switch node bus\nmesh world net of node\n");
  const std::vector<Schedule> across{steps({send_to(2)}), steps({}), steps({recv_from(0)}),
                                     steps({})};
  for (const LinkModel links : {LinkModel::fifo, LinkModel::max_min}) {
    EXPECT_THAT(finish_us(fabric, across, links), times({0.4, 0, 4.4, 0}));
  }
}

TEST(Model, MessagesOfAChannelComeInOrder) {
  // The second message is ready first, but has to wait for the first on the same channel.
  const Fabric fabric = around_a_switch(2, "copy 1 GB/s");
  Schedule sender = steps({copy_step(), send_to(1), send_to(1)});
  sender.dependencies.push_back({0, false});
  sender.steps[1].dependency_count = 1;
  sender.steps[2].first_dependency = 1;
  EXPECT_THAT(finish_us(fabric, {sender, steps({recv_from(0), recv_from(0)})}), times({4.8, 6.8}));
  sender.steps[2].channel = 1;
  Schedule receiver = steps({recv_from(0), recv_from(0)});
  receiver.steps[1].channel = 1;
  EXPECT_THAT(finish_us(fabric, {sender, receiver}), times({4.4, 6.4}));
}

TEST(Model, SaysHowMuchTiersAndLinksAreUsed) {
  const Fabric fabric = nodes_of_groups(2);
  const std::vector<Schedule> schedules{steps({send_to(1), send_to(4)}),
                                        steps({recv_from(0)}),
                                        steps({}),
                                        steps({}),
                                        steps({recv_from(0)}),
                                        steps({}),
                                        steps({}),
                                        steps({})};
  for (const LinkModel links : {LinkModel::fifo, LinkModel::max_min}) {
    const Simulation result = simulate(fabric, schedules, 4, {.links = links});
    ASSERT_EQ(result.tiers.size(), 3U);  // group, node, world
    EXPECT_NEAR(result.tiers[0].time.count(), 4000 / 30e9, 1e-15);
    EXPECT_EQ(result.tiers[0].bytes, 4000);
    EXPECT_EQ(result.tiers[1].bytes, 0);
    EXPECT_EQ(result.tiers[2].bytes, 4000);
    const Link& busiest = fabric.links()[static_cast<std::size_t>(result.busiest.link)];
    EXPECT_EQ(fabric.class_of(busiest).name, "net");
    EXPECT_NEAR(result.busiest.busy.count(), 4000 / 12.5e9, 1e-15);
    EXPECT_EQ(result.messages, 2U);
  }
}

TEST(Model, TellsWhatHappenedWhen) {
  const std::vector<Schedule> schedules{steps({send_to(1)}), steps({recv_from(0)})};
  const auto line = simulate(around_a_switch(2), schedules, 4, {.timeline = true}).timeline;
  ASSERT_EQ(line.size(), 2U);
  EXPECT_EQ(line[0].rank, 0);
  EXPECT_EQ(line[0].peer, 1);
  EXPECT_NEAR(line[0].begin.count(), 0, 1e-15);
  EXPECT_NEAR(line[0].end.count(), 0.4 * us, 1e-15);
  EXPECT_EQ(line[1].rank, 1);
  EXPECT_EQ(line[1].op, Op::recv);
  EXPECT_NEAR(line[1].begin.count(), 2.0 * us, 1e-15);
  EXPECT_NEAR(line[1].end.count(), 2.4 * us, 1e-15);
}

TEST(Model, RefusesSchedulesThatDoNotMatch) {
  const Fabric fabric = around_a_switch(2);
  const auto refused = [&](Schedule first, Schedule second) {
    try {
      simulate(fabric, std::vector{std::move(first), std::move(second)}, 4);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(steps({send_to(1)}), steps({})), testing::HasSubstr("not all received"));
  EXPECT_THAT(refused(steps({}), steps({recv_from(0)})), testing::HasSubstr("never sent"));
  EXPECT_THAT(refused(steps({send_to(1)}), steps({recv_from(0, Mover::receiver)})),
              testing::HasSubstr("different sizes or movers"));
  const Schedule stuck = in_order({recv_from(1), send_to(1)});
  EXPECT_THAT(refused(stuck, in_order({recv_from(0), send_to(0)})),
              testing::HasSubstr("wait for each other for ever"));
  EXPECT_THROW(simulate(around_a_switch(3), std::vector{steps({}), steps({})}, 4), Error);
}

}  // namespace
}  // namespace motet
