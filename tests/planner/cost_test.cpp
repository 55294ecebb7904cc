#include "planner/cost.hpp"

#include <gtest/gtest.h>

#include "algorithms/list.hpp"

namespace motet {
namespace {

constexpr std::size_t one_block = 1 << 30;

// Round numbers, so that expected times can be read off.
const CostModel model{.shared_memory = {.latency = Seconds(100),
                                        .message = TimeTable(Seconds(2), Seconds(10)),
                                        .crowded = Seconds(0),
                                        .publishes = true},
                      .network = {.latency = Seconds(1000),
                                  .message = TimeTable(Seconds(20), Seconds(100)),
                                  .crowded = Seconds(0),
                                  .publishes = false},
                      .copy = TimeTable({}, Seconds(10)),
                      .reduce = TimeTable({}, Seconds(1)),
                      .type_factor = CostModel().type_factor,
                      .context_switch = Seconds(7)};

Prediction predicted(const Topology& topology, Collective collective, std::string_view name,
                     int cores) {
  const Problem problem{.topology = topology,
                        .collective = collective,
                        .parts = Parts::even(4, topology.world_size()),
                        .element_bytes = 1,
                        .params = {}};
  return predict(*find_algorithm(collective, name), problem, one_block, {.cores_per_node = cores},
                 model);
}

TEST(Cost, CountsAPublicationForManyReadersOnce) {
  const Topology topology = Topology::single_node(4);
  const Prediction time = predicted(topology, Collective::broadcast, "mesh", 4);
  EXPECT_EQ(time.latency, Seconds(100));
  // The root's copy to its own output overlaps with the readers' copies: 40 published, 40 copied, 2
  // + 1 + 1 for messages.
  EXPECT_EQ(time.work, Seconds(84));
  EXPECT_EQ(time.switching, Seconds(0));
}

TEST(Cost, CountsEveryCopyIntoANetwork) {
  const Topology topology = Topology::from_text("4 nodes x 1");
  const Prediction time = predicted(topology, Collective::broadcast, "mesh", 1);
  EXPECT_EQ(time.latency, Seconds(1000));
  EXPECT_EQ(time.work, Seconds(3 * (20 + 400) + 40));
}

TEST(Cost, AddsUpTheWorkOfRanksThatShareACore) {
  const Topology topology = Topology::single_node(4);
  const Prediction time = predicted(topology, Collective::broadcast, "mesh", 1);
  EXPECT_EQ(time.work, Seconds(84 + 3 * 42));
  EXPECT_EQ(time.switching, Seconds(3 * 7));  // every reader waits
}

// The root sends 4 bytes to each rank of the other node, all through one NIC.
TEST(Cost, HasTheRanksOfANodeShareItsNic) {
  const Topology topology = Topology::from_text("2 nodes x 4");
  Problem problem{.topology = topology,
                  .collective = Collective::broadcast,
                  .parts = Parts::even(4, 8),
                  .element_bytes = 1,
                  .params = {}};
  Machine machine{.cores_per_node = 4};
  CostModel costs = model;
  const auto work = [&] {
    const Algorithm& mesh = *find_algorithm(Collective::broadcast, "mesh");
    return predict(mesh, problem, one_block, machine, costs).work;
  };
  const Seconds of_processors = work();
  machine.nic = Bandwidth{.bytes_per_second = 0.001};
  EXPECT_EQ(work(), Seconds(4 * 4 / 0.001));
  problem.determinism = Determinism::fixed;
  EXPECT_EQ(work(), of_processors);
  costs.nic = Bandwidth{.bytes_per_second = 0.0001};
  EXPECT_EQ(work(), Seconds(4 * 4 / 0.0001));
}

TEST(Cost, ReducesSharedMemoryWhereItLies) {
  const Topology topology = Topology::single_node(2);
  const Prediction time = predicted(topology, Collective::allreduce, "mesh", 2);
  EXPECT_EQ(time.work, Seconds(2 + 4 * 10 + 2 + 4 * 1));
}

TEST(Cost, TellsRoundsInsideNodesFromThoseBetween) {
  const Topology topology = Topology::from_text("2 nodes x 2");
  const Prediction time = predicted(topology, Collective::allreduce, "hierarchical", 2);
  EXPECT_EQ(time.latency, Seconds(2 * 100 + 2 * 1000));
}

TEST(Cost, IsNothingForARankAlone) {
  const Topology topology = Topology::single_node(1);
  EXPECT_EQ(predicted(topology, Collective::allreduce, "ring", 1).total(), Seconds(0));
}

}  // namespace
}  // namespace motet
