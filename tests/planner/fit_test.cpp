#include "planner/fit.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "algorithms/list.hpp"

namespace motet {
namespace {

// A machine of another kind than the typical one.
CostModel truth() {
  CostModel model = CostModel::typical();
  model.shared_memory.latency = microseconds(0.6);
  model.shared_memory.message = TimeTable(
      {{0, microseconds(0.2)}, {64 * 1024, microseconds(12)}, {4 << 20, microseconds(1500)}});
  model.shared_memory.crowded = microseconds(1);
  model.context_switch = microseconds(4);
  return model;
}

class Fitted : public testing::Test {
 protected:
  Fitted() {
    int cell = 0;
    for (const Topology& topology : topologies_) {
      for (const Collective collective : {Collective::allreduce, Collective::allgather}) {
        for (const std::size_t count : {16, 2048, 65536, 1 << 20})
          add(topology, collective, count, cell++);
      }
    }
  }

  void add(const Topology& topology, Collective collective, std::size_t count, int cell) {
    const Machine machine{.cores_per_node = 2};
    const int ranks = topology.world_size();
    const Problem problem{.topology = topology,
                          .collective = collective,
                          .parts = Parts::uniform(count / ranks, ranks),
                          .params = {}};
    for (const Algorithm* algorithm : algorithms_for(collective)) {
      if (!algorithm->supports(problem)) continue;
      const Workload& workload = workloads_.emplace_back(*algorithm, problem);
      const Seconds time = workload.price(block_bytes, machine, truth()).total();
      observations_.push_back({&workload, block_bytes, machine, time, cell});
    }
  }

  static constexpr std::size_t block_bytes = 128 * 1024;
  const std::deque<Topology> topologies_{Topology::single_node(2), Topology::single_node(4),
                                         Topology::single_node(8)};
  std::deque<Workload> workloads_;
  std::vector<Observation> observations_;
};

TEST_F(Fitted, ModelsExplainWhatAMachineOfTheirKindDoes) {
  const double before = error_of(CostModel::typical(), observations_);
  const double after = error_of(fit(CostModel::typical(), observations_), observations_);
  EXPECT_GT(before, 0.3);
  EXPECT_LT(after, 0.05);
}

TEST_F(Fitted, ModelsKeepWhatNobodyHasMeasured) {
  const CostModel model = fit(CostModel::typical(), observations_);
  const LinkCost& typical = CostModel::typical().network;
  EXPECT_NEAR(model.network.latency / typical.latency, 1, 0.001);
  EXPECT_NEAR(model.network.message.at(1 << 20) / typical.message.at(1 << 20), 1, 0.001);
}

TEST_F(Fitted, ModelsAreTheSameFromTheSameTimes) {
  EXPECT_EQ(fit(CostModel::typical(), observations_), fit(CostModel::typical(), observations_));
}

TEST(Fit, WithoutObservationsIsWhereItStarted) {
  EXPECT_EQ(error_of(CostModel::typical(), {}), 0);
}

}  // namespace
}  // namespace motet
