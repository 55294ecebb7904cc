#include "planner/cost.hpp"

#include <gtest/gtest.h>

#include "algorithms/list.hpp"
#include "topology/fabric.hpp"

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

double nic_bytes(const char* topology_text, Collective collective, std::string_view algorithm,
                 std::size_t each) {
  const Topology topology = Topology::from_text(topology_text);
  const Problem problem{.topology = topology,
                        .collective = collective,
                        .parts = Parts::uniform(each, topology.world_size()),
                        .element_bytes = 1,
                        .params = {}};
  return busiest_nic(*find_algorithm(collective, algorithm), problem).bytes;
}

TEST(Cost, CountsWhatTheRanksOfANodeSendTogether) {
  constexpr double header = 100;  // of each message
  // To each of four others all eight parts.
  EXPECT_EQ(nic_bytes("2 nodes x 4", Collective::broadcast, "mesh", 1), 4 * (8 + header));
  // One rank of each node, all parts but its own.
  EXPECT_EQ(nic_bytes("4 nodes x 4", Collective::allgather, "ring", 10), 15 * (10 + header));
  EXPECT_EQ(nic_bytes("16 nodes x 8", Collective::allgather, "ring", 10), 127 * (10 + header));
  // Everything comes to the one who is alone.
  EXPECT_EQ(nic_bytes("rank 0: node 0\nrank 1: node 0\nrank 2: node 0\nrank 3: node 1\n",
                      Collective::allgather, "mesh", 10),
            3 * (10 + header));
  EXPECT_EQ(nic_bytes("1 nodes x 4", Collective::allgather, "ring", 10), 0);
}

TEST(Cost, TakesLongWholeMessagesToShareNicsUnevenly) {
  const Bandwidth nic{1e9};
  const NicLoad few{.bytes = 1e6, .longest = 1e5}, long_ones{.bytes = 1e6, .longest = 1e6};
  EXPECT_EQ(few.on(nic, 1), Seconds(1e-3));
  EXPECT_EQ(long_ones.on(nic, 4), Seconds(1e-3));
  EXPECT_GT(long_ones.on(nic, 1), Seconds(1.1e-3));
}

TEST(Cost, KnowsTheNicOfTheTuningOrElseTheMeasuredOne) {
  const Topology topology = Topology::from_text("2 nodes x 4");
  Problem problem{.topology = topology,
                  .collective = Collective::allreduce,
                  .parts = Parts::even(4, 8),
                  .params = {}};
  Machine machine;
  CostModel costs = model;
  EXPECT_EQ(nic_of(problem, machine, costs), std::nullopt);
  machine.nic = Bandwidth::gigabytes(0.1);
  EXPECT_EQ(nic_of(problem, machine, costs), Bandwidth::gigabytes(0.1));
  problem.determinism = Determinism::fixed;
  EXPECT_EQ(nic_of(problem, machine, costs), std::nullopt);
  costs.nic = Bandwidth::gigabytes(0.2);
  EXPECT_EQ(nic_of(problem, machine, costs), Bandwidth::gigabytes(0.2));
  const Fabric fabric = Fabric::from_text(
      "fabric two\nranks 2 nodes x 4\nclass fast 100 GB/s 1 us\nswitch node fast\n"
      "switch world fast\n");
  problem.fabric = &fabric;
  EXPECT_EQ(nic_of(problem, machine, costs), std::nullopt);
}

double crowded_work(Collective collective, std::string_view algorithm, std::size_t each,
                    TransportClass within) {
  const Topology topology = Topology::single_node(8);
  const Problem problem{.topology = topology,
                        .collective = collective,
                        .parts = Parts::uniform(each, 8),
                        .element_bytes = 1,
                        .params = {}};
  const Machine machine{.cores_per_node = 2, .within_nodes = within};
  return predict(*find_algorithm(collective, algorithm), problem, 1 << 20, machine,
                 CostModel::typical())
      .work.count();
}

// All that a mesh sends may come before its receiver has called; of what is passed on only the
// first.
TEST(Cost, CountsWhatComesBeforeItsCall) {
  const auto more_by_mesh = [](std::size_t each, TransportClass within) {
    return crowded_work(Collective::allgather, "mesh", each, within) /
           crowded_work(Collective::allgather, "ring", each, within);
  };
  EXPECT_GT(more_by_mesh(512 * 1024, TransportClass::network), 1.02);
  EXPECT_LT(more_by_mesh(16 * 1024, TransportClass::network), 1.001);
  EXPECT_LT(more_by_mesh(512 * 1024, TransportClass::shared_memory), 1.001);
}

TEST(Cost, CountsSmallMessagesOnTheirWayDown) {
  const auto work = [](std::string_view algorithm) {
    return crowded_work(Collective::broadcast, algorithm, 1, TransportClass::network);
  };
  EXPECT_GT(work("chain"), work("binomial"));
}

// Twice as many blocks, of which each costs what it costs that others come between.
TEST(Cost, CountsEveryBlockWhereRanksShareCores) {
  const Topology topology = Topology::single_node(4);
  const Problem problem{.topology = topology,
                        .collective = Collective::broadcast,
                        .parts = Parts::even(4, 4),
                        .element_bytes = 1,
                        .params = {}};
  CostModel crowded = model;
  crowded.shared_memory.crowded = Seconds(1000);
  const auto added = [&](std::size_t block_bytes) {
    const Algorithm& chain = *find_algorithm(Collective::broadcast, "chain");
    const Machine machine{.cores_per_node = 1};
    return predict(chain, problem, block_bytes, machine, crowded).work -
           predict(chain, problem, block_bytes, machine, model).work;
  };
  EXPECT_EQ(added(4), Seconds(6 * 1000));
  EXPECT_EQ(added(2), Seconds(12 * 1000));
}

TEST(Cost, HasNoWireBetweenNodesOnOneMachineWhoseCoresAreShared) {
  const Topology topology = Topology::from_text("4 nodes x 1");
  const Problem problem{.topology = topology,
                        .collective = Collective::broadcast,
                        .parts = Parts::even(4, 4),
                        .element_bytes = 1,
                        .params = {}};
  const auto latency = [&](const Machine& machine) {
    const Algorithm& mesh = *find_algorithm(Collective::broadcast, "mesh");
    return predict(mesh, problem, one_block, machine, model).latency;
  };
  EXPECT_EQ(latency({.cores_per_node = 2, .nodes_sharing = 4, .holds_all_nodes = true}),
            Seconds(100));
  EXPECT_EQ(latency({.cores_per_node = 2, .nodes_sharing = 4}), Seconds(1000));
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
