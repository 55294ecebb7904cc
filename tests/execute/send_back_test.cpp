// What was combined goes back in the memory in which it came, if it can.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "device/host/reduce.hpp"
#include "execute/engine.hpp"
#include "execute/program.hpp"
#include "fakes.hpp"
#include "schedule/builder.hpp"

namespace motet::test {
namespace {

// Rank 0 of two splits a sum of 5,000 floats; the other half of the work is one message.
class SendingBack : public testing::Test {
 protected:
  static constexpr std::size_t half = 2500, bytes = half * sizeof(float);

  SendingBack() {
    ScheduleBuilder b(problem_, 0);
    const Slice mine = b.output().sub(0, half), theirs = b.output().sub(half, half);
    b.send(1, b.input().sub(half, half));
    b.recv_reduce(1, b.input().sub(0, half), mine);
    b.send(1, mine, {.channel = 1});
    b.recv(1, theirs, {.channel = 1});
    const Schedule schedule = b.finish();
    program_ = std::make_shared<const Program>(
        lower({.schedule = schedule,
               .links = links_.links(),
               .element_bytes = sizeof(float),
               .kernel = reduce_kernel(ReduceOp::sum, DataType::float32),
               .algorithm = ""}));
    operation_.emplace(program_);
    operation_->bind(
        {.buffers = {input_.data(), output_.data()}, .sequence = 1, .context = &context_}, 1);
    const Header header{.key = block_key(operation_key(1, 1, false), 0, 0),
                        .fingerprint = program_->instructions[1].fingerprint,
                        .bytes = bytes};
    peer_.arrive(header, reinterpret_cast<const std::byte*>(arrived_.data()));
  }

  Topology topology_ = Topology::single_node(2);
  Problem problem_{.topology = topology_,
                   .collective = Collective::allreduce,
                   .parts = Parts::even(2 * half, 2),
                   .params = {}};
  FakeTransport transport_;
  FakeLinks links_{transport_, 2, 0};
  FakeEndpoint& peer_ = dynamic_cast<FakeEndpoint&>(links_.links()[1]->endpoint());
  Engine engine_{Identity::random(), {}};
  Context context_{engine_, {.id = 1, .rank = 0, .links = {nullptr, links_.links()[1]}}};
  std::vector<float> input_ = std::vector<float>(2 * half, 1),
                     output_ = std::vector<float>(2 * half);
  std::vector<float> arrived_ = std::vector<float>(half, 2);
  const std::vector<float> sums_ = std::vector<float>(half, 3);
  std::shared_ptr<const Program> program_;
  std::optional<Operation> operation_;
};

TEST_F(SendingBack, TakesTheMemoryInWhichTheBlockCame) {
  peer_.lent = reinterpret_cast<std::byte*>(arrived_.data());
  EXPECT_TRUE(operation_->pass());
  EXPECT_EQ(arrived_, sums_);
  EXPECT_TRUE(std::equal(sums_.begin(), sums_.end(), output_.begin()));
  ASSERT_EQ(peer_.sent_back.size(), 1U);
  EXPECT_EQ(peer_.sent_back[0].key, block_key(operation_key(1, 1, false), 1, 0));
  EXPECT_EQ(peer_.sent_back[0].bytes, bytes);
  operation_->pass();
  EXPECT_EQ(peer_.sent.size(), 1U) << "the result is not sent twice";
}

TEST_F(SendingBack, CopiesWhatCannotBeChanged) {
  EXPECT_TRUE(operation_->pass());
  EXPECT_EQ(arrived_.front(), 2) << "the peer's memory";
  EXPECT_TRUE(std::equal(sums_.begin(), sums_.end(), output_.begin()));
  EXPECT_TRUE(peer_.sent_back.empty());
  EXPECT_EQ(peer_.sent.size(), 2U);
}

TEST_F(SendingBack, NeedsNotWaitForAnotherStream) {
  peer_.refusals = 1;  // the first half has not gone out when the block is combined
  peer_.lent = reinterpret_cast<std::byte*>(arrived_.data());
  EXPECT_TRUE(operation_->pass());
  EXPECT_EQ(peer_.sent_back.size(), 1U) << "a stream of its own need not wait";
  EXPECT_TRUE(peer_.sent.empty());
  EXPECT_TRUE(operation_->pass());
  EXPECT_EQ(peer_.sent.size(), 1U);
}

}  // namespace
}  // namespace motet::test
