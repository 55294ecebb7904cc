#include "planner/fabric_plan.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "algorithms/list.hpp"
#include "planner/planner.hpp"
#include "simulate/simulate.hpp"
#include "topology/flow/bound.hpp"

namespace motet {
namespace {

constexpr std::size_t block_bytes = 128 * 1024;

Fabric preset(const std::string& name, const std::vector<std::string>& settings) {
  std::ifstream file(std::string(MOTET_FABRICS) + "/" + name + ".fabric");
  std::stringstream text;
  text << file.rdbuf();
  return Fabric::from_text(text.str(), settings);
}

Problem on(const Fabric& fabric, Collective collective, std::size_t bytes) {
  const int n = fabric.world_size();
  const bool whole = collective == Collective::allreduce || collective == Collective::reduce ||
                     collective == Collective::broadcast;
  return {.topology = fabric.topology(),
          .collective = collective,
          .parts = whole ? Parts::even(bytes / 4, n) : Parts::uniform(bytes / 4 / n, n),
          .params = {},
          .fabric = &fabric};
}

Seconds simulated(const Algorithm& algorithm, Problem problem, const Params& params) {
  problem.params = params;
  const SimulationOptions how{.block_bytes = block_bytes,
                              .most_blocks = most_blocks(params.chunks),
                              .pulls_within_nodes_only = true};
  return simulate(*problem.fabric, algorithm, problem, how).time;
}

// Every algorithm but those whose trees take long to pack, by the closed form and then simulated
// with the parameters that it finds.
struct Outcome {
  std::string name;
  Seconds expected{}, simulated{};
};
std::vector<Outcome> outcomes(const Problem& problem) {
  std::vector<Outcome> found;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (!algorithm->supports(problem) || !is_quickly_built(*algorithm, problem)) continue;
    const FabricPlan plan = closed_form(*algorithm, problem, block_bytes);
    constexpr double most_messages = 100'000;  // more take seconds to simulate
    if (plan.messages > most_messages) continue;
    found.push_back({std::string(algorithm->name), plan.predicted.total(),
                     simulated(*algorithm, problem, plan.params)});
  }
  return found;
}

struct Preset {
  std::string name;
  std::vector<std::string> settings;
};
class OnPreset : public testing::TestWithParam<Preset> {};

// By the closed form alone, as the planner has to where simulating would take too long.
TEST_P(OnPreset, TheClosedFormFindsWhatTheSimulatorFindsFast) {
  const Fabric fabric = preset(GetParam().name, GetParam().settings);
  int near = 0, all = 0;
  for (const Collective collective :
       {Collective::allreduce, Collective::allgather, Collective::reduce_scatter,
        Collective::broadcast, Collective::reduce, Collective::gather, Collective::scatter,
        Collective::alltoall}) {
    for (const std::size_t bytes : {8UL << 10U, 512UL << 10U, 64UL << 20U}) {
      const std::vector<Outcome> found = outcomes(on(fabric, collective, bytes));
      const Outcome& chosen = *std::ranges::min_element(found, {}, &Outcome::expected);
      const Outcome& best = *std::ranges::min_element(found, {}, &Outcome::simulated);
      // Around a root the ways of ranks differ more.
      const bool rooted = has_root(collective);
      const auto what = [&](const Outcome& outcome) {
        return fmt::format("{} of {}: {}", name(collective), bytes, outcome.name);
      };
      EXPECT_LE(chosen.simulated / best.simulated, rooted ? 1.75 : 1.4)
          << what(chosen) << " for " << best.name;
      for (const Outcome& outcome : found) {
        const double ratio = outcome.expected / outcome.simulated;
        EXPECT_GT(ratio, rooted ? 0.25 : 0.4) << what(outcome);
        EXPECT_LT(ratio, 2) << what(outcome);
        ++all;
        near += static_cast<int>(ratio > 0.67 && ratio < 1.5);
      }
    }
  }
  EXPECT_GE(near, 0.8 * all);
}

INSTANTIATE_TEST_SUITE_P(
    Fabrics, OnPreset,
    testing::Values(Preset{"atlas900", {"nodes=4"}}, Preset{"dgx-a100", {"nodes=3"}},
                    Preset{"dgx-h100", {"nodes=4"}}, Preset{"dgx2", {"nodes=2"}},
                    Preset{"ndv2", {"nodes=4"}}, Preset{"mi250", {"nodes=2"}},
                    Preset{"fat-tree", {"pods=3", "nodes=2"}}, Preset{"wan", {"nodes=2"}}),
    [](const auto& its) {
      std::string name = its.param.name;
      std::erase(name, '-');
      return name;
    });

// One message over two links of 1 us and 10 GB/s each.
TEST(FabricTally, AMessageTakesItsLatenciesAndTheTimeOfItsSlowestLink) {
  const Fabric fabric = Fabric::from_text(
      "fabric two\nranks 1 nodes x 2\nclass wire 10 GB/s 1 us\nswitch node wire\n");
  const Problem problem = on(fabric, Collective::broadcast, 1'000'000);
  const Algorithm& chain = *find_algorithm(Collective::broadcast, "chain");
  const Prediction time = FabricTally(chain, problem).price(1, 4'000'000);
  EXPECT_NEAR(time.total().count(), 102e-6, 1e-12);
  EXPECT_NEAR(time.latency.count(), 2e-6, 1e-12);
}

TEST(FabricPlan, TiersOverlapInChunksAndPartGoesAroundTheMiddleOne) {
  const Fabric fabric = preset("atlas900", {"nodes=128"});
  const Problem problem = on(fabric, Collective::allreduce, 102'228'128);
  const Algorithm& hierarchical = *find_algorithm(Collective::allreduce, "hierarchical");
  const FabricPlan plan = plan_on_fabric(hierarchical, problem, block_bytes);
  EXPECT_GE(plan.params.chunks, 8);
  EXPECT_GE(plan.params.around_percent, 10);
  EXPECT_LE(plan.params.around_percent, 40);
  EXPECT_FALSE(plan.is_simulated);  // that would take too long
  const Seconds least = bound(fabric, Collective::allreduce).time(102'228'128);
  EXPECT_GE(plan.predicted.total() / least, 1);
  EXPECT_LE(plan.predicted.total() / least, 1.3);
}

// Of 256 and more ranks only some are looked at; the root hears of all.
TEST(FabricTally, CountsWhatComesToTheRootAndWhatOthersSendOverTheSameLinks) {
  const Fabric fabric = Fabric::from_text(
      "fabric pods\nranks 4 pods x 20 nodes x 4\nclass port 10 GB/s 1 us\nclass up 20 GB/s 1 us\n"
      "switch pod port\nswitch world up of pod\nswitch node port\n");
  for (const Collective collective :
       {Collective::allreduce, Collective::reduce, Collective::gather, Collective::scatter}) {
    for (const Outcome& outcome : outcomes(on(fabric, collective, 4UL << 20U))) {
      const double ratio = outcome.expected / outcome.simulated;
      EXPECT_GT(ratio, 0.4) << name(collective) << ": " << outcome.name;
      EXPECT_LT(ratio, 2.5) << name(collective) << ": " << outcome.name;
    }
  }
}

// Generous: it takes two seconds.
TEST(Planner, PlansForThousandsOfRanksWhileAJobWaits) {
  const Fabric fabric = Fabric::from_text(
      "fabric large\nranks 16 pods x 32 nodes x 8\nclass in 100 GB/s 1 us\nclass port 25 GB/s 2 "
      "us\n"
      "class up 200 GB/s 1 us\nswitch node in\nswitch pod port\nswitch world up of pod\n");
  const auto begin = std::chrono::steady_clock::now();
  const Planner planner({.cores_per_node = 8});
  for (const std::size_t bytes : {1UL << 10U, 1UL << 30U}) {
    EXPECT_EQ(planner.choose(on(fabric, Collective::allreduce, bytes)).algorithm->collective,
              Collective::allreduce);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(5));
}

TEST(FabricPlan, ASmallFabricIsSimulated) {
  const Fabric fabric = preset("atlas900", {"nodes=1"});
  const Problem problem = on(fabric, Collective::allreduce, 8192);
  const Algorithm& mesh = *find_algorithm(Collective::allreduce, "mesh");
  const FabricPlan plan = plan_on_fabric(mesh, problem, block_bytes);
  EXPECT_TRUE(plan.is_simulated);
  EXPECT_DOUBLE_EQ(plan.predicted.total().count(), simulated(mesh, problem, plan.params).count());
}

// The closed form does not see how chunks overlap here.
TEST(FabricPlan, AVerySmallFabricHasTheChunksThatAreBestBySimulation) {
  const Fabric fabric = Fabric::from_text(
      "fabric hosts\nranks 4 nodes x 2\nclass memory 10 GB/s 0.35 us\nclass nic 0.024 GB/s 7.5 us\n"
      "class slow 0.012 GB/s 7.5 us\nswitch node memory\nswitch world nic of node, 2 slow\n");
  const Problem problem = on(fabric, Collective::allreduce, 4UL << 20U);
  const Algorithm& forest = *find_algorithm(Collective::allreduce, "forest");
  const FabricPlan plan = plan_on_fabric(forest, problem, block_bytes);
  EXPECT_NE(plan.params.chunks, closed_form(forest, problem, block_bytes).params.chunks);
  EXPECT_TRUE(plan.is_simulated);
  for (int chunks = 1; chunks <= most_chunks; chunks *= 2) {
    Params params = plan.params;
    params.chunks = chunks;
    EXPECT_LE(plan.predicted.total(), 1.0001 * simulated(forest, problem, params)) << chunks;
  }
}

}  // namespace
}  // namespace motet
