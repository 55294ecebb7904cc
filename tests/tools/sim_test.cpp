// Parts of motet-sim.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabrics/fabric_file.hpp"
#include "sim/search.hpp"
#include "sim/timeline.hpp"
#include "topology/flow/bound.hpp"

namespace motet_sim {
namespace {

Options options_for(std::string_view collective) {
  Options options;
  options.collective = motet_perf::collectives_named(collective).front();
  options.type = motet_perf::types_named("float32").front();
  return options;
}

TEST(SimParams, AreReadAndPrinted) {
  const motet::Params params = parse_params("chunks=4,mover=receiver,channels=2,around_percent=30");
  EXPECT_EQ(params.chunks, 4);
  EXPECT_EQ(params.channels, 2);
  EXPECT_EQ(params.around_percent, 30);
  EXPECT_EQ(params.mover, motet::Mover::receiver);
  EXPECT_EQ(to_text(params), "chunks=4,channels=2,around_percent=30,mover=receiver");
  EXPECT_EQ(parse_params(to_text(params)), params);
  EXPECT_EQ(to_text({}), "");
  for (const char* wrong : {"", "chunks", "chunks=", "chunks=-1", "chunks=2x", "channels=17",
                            "channels=99999999999", "mover=me", "chunks=2,", "size=4"}) {
    EXPECT_THROW(parse_params(wrong), std::invalid_argument) << wrong;
  }
}

TEST(SimSearch, FindsParametersThatAreBetterThanTheUsualOnes) {
  Options options = options_for("broadcast");
  options.algorithm = "chain";
  options.simulation.block_bytes = 0;
  const std::vector<std::string> one_node{"nodes=1"};
  const motet::Fabric fabric = motet::load_fabric("atlas900", one_node);
  const motet::Problem problem = problem_for(options, fabric, std::size_t{1} << 24U);
  const Found found = find_best(options, fabric, problem);
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_GT(found.candidates.front().params.chunks, 1);
  options.params = motet::Params{};
  const Found usual = find_best(options, fabric, problem);
  EXPECT_LT(found.candidates.front().result.time, usual.candidates.front().result.time);
}

TEST(SimSearch, WhatIsNotSimulatedWouldHaveBeenSlower) {
  const std::vector<std::string> few{"nodes=4"};
  const motet::Fabric fabric = motet::load_fabric("atlas900", few);
  for (const std::size_t bytes : {1024, 1 << 20}) {
    Options options = options_for("allreduce");
    options.params = motet::Params{};
    const motet::Problem problem = problem_for(options, fabric, bytes);
    const Found found = find_best(options, fabric, problem);
    EXPECT_FALSE(found.slower.empty());
    for (const Slower& slower : found.slower) {
      const motet::Seconds time =
          motet::simulate(fabric, *slower.algorithm, problem, options.simulation).time;
      EXPECT_GE(time, found.candidates.front().result.time) << slower.algorithm->name;
    }
  }
}

// A bound is proven and a simulation obeys the links: neither way of sharing them may be faster.
class Bounded : public testing::TestWithParam<std::string> {};

TEST_P(Bounded, NoSimulationIsFasterThanTheBound) {
  const std::vector<std::string> few{"nodes=2"};
  const motet::Fabric fabric = motet::load_fabric(GetParam(), few);
  for (const char* collective : {"allreduce", "allgather", "reduce_scatter", "broadcast", "reduce",
                                 "alltoall", "gather", "scatter"}) {
    for (const motet::LinkModel links : {motet::LinkModel::fifo, motet::LinkModel::max_min}) {
      const Options options = options_for(collective);
      motet::Problem problem = problem_for(options, fabric, std::size_t{1} << 26U);
      problem.params.chunks = 2;
      motet::SimulationOptions how = options.simulation;
      how.links = links;
      const auto bytes = static_cast<double>(problem.parts.total() * problem.element_bytes);
      const motet::Seconds least = motet::bound(fabric, problem.collective).time(bytes);
      for (const motet::Algorithm* algorithm : motet::algorithms_for(problem.collective)) {
        if (!algorithm->supports(problem)) continue;
        const motet::Seconds time = motet::simulate(fabric, *algorithm, problem, how).time;
        EXPECT_LE(least / time, 1 + 1e-9) << collective << " " << algorithm->name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fabrics, Bounded, testing::Values("atlas900", "dgx2", "ndv2", "mi250"),
                         [](const auto& its) { return its.param; });

TEST(SimTimeline, HasALaneForEveryRankAndABarForEveryStep) {
  const std::vector<std::string> one_node{"nodes=1"};
  const motet::Fabric fabric = motet::load_fabric("atlas900", one_node);
  const motet::Problem problem = problem_for(options_for("allreduce"), fabric, 8192);
  const motet::Algorithm& ring = *motet::find_algorithm(motet::Collective::allreduce, "ring");
  const motet::Simulation result =
      motet::simulate(fabric, ring, problem, {.fold = false, .timeline = true});
  const std::string svg = timeline_svg(fabric, problem, {&ring, {}, result}, result.timeline);
  for (int rank = 0; rank < 8; ++rank) {
    EXPECT_THAT(svg, testing::HasSubstr(">rank " + std::to_string(rank) + "</text>"));
  }
  std::size_t bars = 0;
  for (std::size_t at = svg.find("<title>"); at != std::string::npos;
       at = svg.find("<title>", at + 1)) {
    ++bars;
  }
  EXPECT_EQ(bars, 8U * 2 * 14);  // each rank: 14 rounds, sent and received
  EXPECT_THAT(svg, testing::HasSubstr("recv_reduce group"));
  EXPECT_THAT(svg, testing::HasSubstr("time, us"));
}

}  // namespace
}  // namespace motet_sim
