// Where a formula is known the simulator gives it, on both kinds of links.
#include <gtest/gtest.h>

#include "cases.hpp"

namespace motet {
namespace {

constexpr double alpha = 2e-6;
constexpr double beta = 1 / 10e9;
constexpr double gamma_ = 1 / 50e9;
constexpr std::string_view reduces_at_50 = "reduce 50 GB/s";

class ClosedForms : public testing::TestWithParam<LinkModel> {
 protected:
  double seconds(const Fabric& fabric, Collective collective, std::string_view name,
                 std::size_t count, const Params& params = {}, std::size_t block_bytes = 0) const {
    return simulated(fabric, collective, name, count,
                     {.links = GetParam(), .block_bytes = block_bytes}, params)
        .time.count();
  }
};

void expect_equal(double simulated, double formula) {
  EXPECT_NEAR(simulated, formula, formula * 1e-9);
}

TEST_P(ClosedForms, Ring) {
  for (const int n : {2, 3, 4, 7, 16}) {
    const std::size_t count = 1000 * n;
    const double part = 4000;
    expect_equal(seconds(around_a_switch(n), Collective::allreduce, "ring", count),
                 2 * (n - 1) * (alpha + beta * part));
    expect_equal(seconds(around_a_switch(n, reduces_at_50), Collective::allreduce, "ring", count),
                 2 * (n - 1) * (alpha + beta * part) + (n - 1) * gamma_ * part);
    expect_equal(seconds(around_a_switch(n), Collective::allgather, "ring", count),
                 (n - 1) * (alpha + beta * part));
  }
}

TEST_P(ClosedForms, RecursiveDoubling) {
  for (const int rounds : {1, 2, 3, 4}) {
    const int n = 1 << rounds;
    const double bytes = 4.0 * 1000;
    expect_equal(seconds(around_a_switch(n), Collective::allreduce, "recursive_doubling", 1000),
                 rounds * (alpha + beta * bytes));
    expect_equal(seconds(around_a_switch(n, reduces_at_50), Collective::allreduce,
                         "recursive_doubling", 1000),
                 rounds * (alpha + (beta + gamma_) * bytes));
  }
}

TEST_P(ClosedForms, HalvingDoubling) {
  for (const int rounds : {1, 2, 3, 4}) {
    const int n = 1 << rounds;
    const double share = 4.0 * 1000 * (n - 1);  // (n - 1) / n of the vector
    expect_equal(seconds(around_a_switch(n), Collective::allreduce, "halving_doubling", 1000 * n),
                 2 * (rounds * alpha + beta * share));
    expect_equal(seconds(around_a_switch(n, reduces_at_50), Collective::allreduce,
                         "halving_doubling", 1000 * n),
                 2 * (rounds * alpha + beta * share) + gamma_ * share);
  }
}

TEST_P(ClosedForms, Mesh) {
  for (const int n : {2, 3, 5, 8}) {
    const double bytes = 4000;
    // A link for each pair: all messages at once, then the sums one after the other.
    expect_equal(seconds(full_mesh(n), Collective::allreduce, "mesh", 1000), alpha + beta * bytes);
    expect_equal(seconds(full_mesh(n, reduces_at_50), Collective::allreduce, "mesh", 1000),
                 alpha + beta * bytes + (n - 1) * gamma_ * bytes);
    // One port for all: they leave one after the other, or all at once and no earlier.
    expect_equal(seconds(around_a_switch(n), Collective::alltoall, "mesh", 1000 * n),
                 alpha + (n - 1) * beta * bytes);
  }
}

TEST_P(ClosedForms, Chain) {
  const std::size_t count = 8000;
  for (const int n : {2, 3, 9}) {
    for (const int chunks : {1, 2, 8}) {
      const double chunk = 4.0 * static_cast<double>(count) / chunks;
      const double expected = (n - 2 + chunks) * beta * chunk + (n - 1) * alpha;
      const Params params{.chunks = chunks};
      expect_equal(seconds(around_a_switch(n), Collective::broadcast, "chain", count, params),
                   expected);
      // Blocks overlap as chunks do.
      const auto block_bytes = static_cast<std::size_t>(chunk);
      expect_equal(
          seconds(around_a_switch(n), Collective::broadcast, "chain", count, {}, block_bytes),
          expected);
    }
  }
}

TEST_P(ClosedForms, BlocksOverlapTransferAndReduction) {
  const std::size_t blocks = 4;
  const double bytes = 4.0 * 8000;
  const double block = bytes / blocks;
  const Fabric fabric = around_a_switch(2, reduces_at_50);
  expect_equal(seconds(fabric, Collective::allreduce, "recursive_doubling", 8000, {},
                       static_cast<std::size_t>(block)),
               alpha + beta * bytes + gamma_ * block);
}

TEST_P(ClosedForms, MessagesHaveNoMoreBlocksThanTheyMay) {
  const double bytes = 4.0 * 8000;
  const SimulationOptions options{.links = GetParam(), .block_bytes = 1000, .most_blocks = 4};
  const Fabric fabric = around_a_switch(2, reduces_at_50);
  const Simulation result =
      simulated(fabric, Collective::allreduce, "recursive_doubling", 8000, options);
  EXPECT_EQ(result.messages, 8U);
  expect_equal(result.time.count(), alpha + beta * bytes + gamma_ * bytes / 4);
}

TEST_P(ClosedForms, EveryBlockOfAStepCostsItsOverhead) {
  // The sender's, and the receiver's.
  const Fabric fabric = around_a_switch(2, "overhead 0.5 us");
  expect_equal(seconds(fabric, Collective::broadcast, "chain", 1000), alpha + beta * 4000 + 1e-6);
}

INSTANTIATE_TEST_SUITE_P(BothKindsOfLinks, ClosedForms,
                         testing::Values(LinkModel::fifo, LinkModel::max_min), [](const auto& its) {
                           return its.param == LinkModel::fifo ? "fifo" : "max_min";
                         });

}  // namespace
}  // namespace motet
