// Simulating one cell for all gives what simulating all ranks gives.
#include <gtest/gtest.h>

#include "cases.hpp"

namespace motet {
namespace {

struct Both {
  Simulation folded, whole;
};

Both both(const Fabric& fabric, Collective collective, std::string_view name, std::size_t count,
          LinkModel links, const Params& params = {}) {
  SimulationOptions options{.links = links, .block_bytes = 600};
  Both result;
  result.folded = simulated(fabric, collective, name, count, options, params);
  options.fold = false;
  result.whole = simulated(fabric, collective, name, count, options, params);
  return result;
}

void expect_same(const Both& both, LinkModel links) {
  // Rates of flows are sums in an order that differs.
  const double tolerance = links == LinkModel::fifo ? 0 : both.whole.time.count() * 1e-9;
  ASSERT_EQ(both.folded.finish.size(), both.whole.finish.size());
  for (std::size_t rank = 0; rank < both.whole.finish.size(); ++rank) {
    EXPECT_NEAR(both.folded.finish[rank].count(), both.whole.finish[rank].count(), tolerance);
  }
  EXPECT_EQ(both.folded.messages, both.whole.messages);
  for (std::size_t tier = 0; tier < both.whole.tiers.size(); ++tier) {
    EXPECT_EQ(both.folded.tiers[tier].bytes, both.whole.tiers[tier].bytes);
    EXPECT_NEAR(both.folded.tiers[tier].time.count(), both.whole.tiers[tier].time.count(),
                both.whole.time.count() * 1e-9);
  }
  EXPECT_NEAR(both.folded.busiest.busy.count(), both.whole.busiest.busy.count(),
              both.whole.time.count() * 1e-9);
}

class Folded : public testing::TestWithParam<LinkModel> {};

TEST_P(Folded, FlatAlgorithmsRunOnOneRank) {
  for (const int n : {2, 3, 6, 8, 17}) {
    const Fabric fabric = around_a_switch(n, "reduce 50 GB/s\ncopy 100 GB/s\noverhead 0.1 us");
    const auto check = [&](Collective collective, std::string_view name, const Params& params) {
      const Both result = both(fabric, collective, name, 600U * n, GetParam(), params);
      EXPECT_EQ(result.folded.simulated_ranks, 1) << name << " " << n;
      EXPECT_EQ(result.whole.simulated_ranks, n);
      expect_same(result, GetParam());
    };
    check(Collective::allreduce, "ring", {.chunks = 2, .channels = 2});
    check(Collective::allreduce, "ring", {.mover = Mover::receiver});
    check(Collective::allreduce, "two_shot", {});
    check(Collective::alltoall, "mesh", {});
    check(Collective::allgather, "mesh", {.mover = Mover::receiver});
    check(Collective::barrier, "dissemination", {});
  }
}

TEST_P(Folded, GroupsOfATieredFabricRunForAllOthers) {
  for (const int nodes : {2, 3, 4, 5}) {
    const Fabric fabric = nodes_of_groups(nodes, "reduce 50 GB/s\ncopy 100 GB/s");
    const std::size_t count = 60U * 4U * static_cast<std::size_t>(nodes);
    for (const auto& [collective, name] : {std::pair{Collective::allreduce, "ring"},
                                           {Collective::alltoall, "mesh"},
                                           {Collective::allgather, "mesh"},
                                           {Collective::reduce_scatter, "mesh"}}) {
      const Both result = both(fabric, collective, name, count, GetParam());
      EXPECT_EQ(result.folded.simulated_ranks, 4) << name << " " << nodes;
      expect_same(result, GetParam());
    }
  }
}

TEST_P(Folded, NodesAroundSwitchesOfRailsRunForAllOthers) {
  const Fabric fabric = Fabric::from_text(
      "fabric rails\nranks 4 nodes x 4\nclass bus 60 GB/s 0.5 us\nclass up 25 GB/s 1 us\n"
      "switch node bus\nrails world up\nswitch world up of node\n");
  for (const std::string_view name : {"mesh"}) {
    const Both result = both(fabric, Collective::alltoall, name, 960, GetParam());
    EXPECT_EQ(result.folded.simulated_ranks, 4);
    expect_same(result, GetParam());
  }
}

TEST_P(Folded, IsRefusedWhereRanksDiffer) {
  const auto ranks = [&](const Fabric& fabric, Collective collective, std::string_view name,
                         std::size_t count) {
    const Both result = both(fabric, collective, name, count, GetParam());
    expect_same(result, GetParam());
    return result.folded.simulated_ranks;
  };
  const Fabric flat = around_a_switch(8);
  EXPECT_EQ(ranks(flat, Collective::broadcast, "chain", 800), 8);             // a root
  EXPECT_EQ(ranks(flat, Collective::allreduce, "ring", 801), 8);              // uneven parts
  EXPECT_EQ(ranks(flat, Collective::allreduce, "halving_doubling", 800), 8);  // peers by xor
  const Fabric slow = Fabric::from_text(
      "fabric slow\nranks 1 node x 8\nclass x 40 GB/s 1 us\nclass half 20 GB/s 1 us\n"
      "switch node x, 5 half\n");
  EXPECT_EQ(ranks(slow, Collective::alltoall, "mesh", 800), 8);
  const Fabric odd = around_a_switch(8, "class extra 40 GB/s 1 us\nedge node 2-5 extra");
  EXPECT_EQ(ranks(odd, Collective::alltoall, "mesh", 800), 8);
  const Fabric uneven = Fabric::from_text(
      "fabric uneven\nranks 2 nodes x 4\nclass bus 40 GB/s 1 us\nclass net 10 GB/s 2 us\n"
      "mesh node bus\nedge world 0-4 net\nedge world 1-6 net\nswitch world net\n");
  EXPECT_EQ(ranks(uneven, Collective::alltoall, "mesh", 800), 8);
}

INSTANTIATE_TEST_SUITE_P(BothKindsOfLinks, Folded,
                         testing::Values(LinkModel::fifo, LinkModel::max_min), [](const auto& its) {
                           return its.param == LinkModel::fifo ? "fifo" : "max_min";
                         });

}  // namespace
}  // namespace motet
