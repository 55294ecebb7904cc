// Messages that tell their lengths.
#include "execute/lengths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "algorithms/list.hpp"
#include "execute/program.hpp"
#include "fakes.hpp"

namespace motet::test {
namespace {

TEST(Lengths, AreToldBelowTwoToTheThirtyOne) {
  for (const std::size_t count : {0UL, 1UL, 5UL, (1UL << 31) - 1}) {
    EXPECT_EQ(length_from(length_code(count)), count);
  }
}

TEST(Lengths, BeyondDifferAllTheSame) {
  for (std::size_t count = 1UL << 31; count < 1UL << 60; count += count / 3) {
    EXPECT_EQ(length_from(length_code(count)), std::nullopt);
    EXPECT_NE(length_code(count), length_code(count + 1));
    EXPECT_NE(length_code(count), length_code(count + (1UL << 32)));
  }
}

class ToldLengths : public ::testing::Test {
 protected:
  // Rank 0 of three, in an alltoallv.
  Program lowered(bool tells_lengths) {
    Problem problem{.topology = topology_,
                    .collective = Collective::alltoall,
                    .parts = Parts::each(std::vector<std::size_t>{2, 0, 40}),
                    .received = Parts::each(std::vector<std::size_t>{2, 7, 0}),
                    .lengths = Lengths::known_to_ends,
                    .params = {}};
    const Schedule schedule =
        build_schedule(*find_algorithm(Collective::alltoall, "mesh"), problem, 0);
    return lower({.schedule = schedule,
                  .links = links_.links(),
                  .element_bytes = 4,
                  .block_bytes = 64,
                  .fingerprint = 1000,
                  .tells_lengths = tells_lengths,
                  .algorithm = ""});
  }
  static std::vector<std::uint32_t> fingerprints(const Program& program) {
    std::vector<std::uint32_t> found;
    for (const Instruction& i : program.instructions) {
      if (i.op != Op::copy) found.push_back(i.fingerprint);
    }
    return found;
  }

  Topology topology_ = Topology::single_node(3);
  FakeGroupTransport transport_;
  FakeLinks links_{transport_, 3, 0};
};

TEST_F(ToldLengths, AreInTheFingerprintOfEachMessage) {
  // To 1 and 2, from 2 and 1: also what has no elements.
  EXPECT_THAT(fingerprints(lowered(true)), ::testing::ElementsAre(1000, 1040, 1000, 1007));
}

TEST_F(ToldLengths, AreNowhereUnlessAskedFor) {
  EXPECT_THAT(fingerprints(lowered(false)), ::testing::Each(1000));
}

}  // namespace
}  // namespace motet::test
