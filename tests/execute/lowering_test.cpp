// A schedule becomes a program: bytes, blocks, streams, message numbers, groups, dependencies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "algorithms/list.hpp"
#include "execute/engine.hpp"
#include "execute/program.hpp"
#include "fakes.hpp"

namespace motet::test {
namespace {

using testing::ElementsAre;

MATCHER_P3(PartnerIs, rank, sends_to, receives_from, "") {
  return arg.rank == rank && arg.sends_to == sends_to && arg.receives_from == receives_from;
}

Problem problem_of(const Topology& topology, Collective collective, std::size_t count) {
  return {.topology = topology,
          .collective = collective,
          .parts = Parts::even(count, topology.world_size()),
          .params = {}};
}

class Lowered : public testing::Test {
 protected:
  // Rank 0 of four writes its own schedule.
  ScheduleBuilder builder(std::size_t count) {
    problem_.parts = Parts::even(count, 4);
    return ScheduleBuilder(problem_, 0);
  }
  Lowering wishes(const Schedule& schedule) const {
    return {.schedule = schedule,
            .links = links_.links(),
            .element_bytes = 4,
            .block_bytes = 64,
            .algorithm = ""};
  }
  Program lowered(ScheduleBuilder& b) {
    const Schedule schedule = b.finish();
    return lower(wishes(schedule));
  }

  Topology topology_ = Topology::single_node(4);
  Problem problem_ = problem_of(topology_, Collective::allreduce, 0);
  FakeGroupTransport transport_;
  FakeLinks links_{transport_, 4, 0};
};

TEST_F(Lowered, TurnsElementsIntoBytes) {
  auto b = builder(100);
  b.copy(b.input().sub(10, 5), b.output().sub(20, 5));
  const Program program = lowered(b);
  ASSERT_EQ(program.instructions.size(), 1U);
  const Instruction& copy = program.instructions[0];
  EXPECT_EQ(copy.op, Op::copy);
  EXPECT_EQ(copy.src, 40U);
  EXPECT_EQ(copy.dst, 80U);
  EXPECT_EQ(copy.bytes, 20U);
  EXPECT_EQ(copy.blocks, 1U);
  EXPECT_TRUE(program.streams.empty());
}

TEST_F(Lowered, CutsStepsIntoBlocksOfWholeElements) {
  auto b = builder(100);
  b.send(1, b.input().sub(0, 16));  // 64 bytes
  b.send(1, b.input().sub(16, 17));
  const Schedule schedule = b.finish();
  Lowering wish = wishes(schedule);
  wish.block_bytes = 66;  // not a whole number of elements
  const Program program = lower(wish);
  EXPECT_EQ(program.block_bytes, 64U);
  EXPECT_EQ(program.instructions[0].blocks, 1U);
  EXPECT_EQ(program.instructions[1].blocks, 2U);
}

TEST_F(Lowered, ABlockHoldsAtLeastOneElement) {
  auto b = builder(3);
  b.send(1, b.input());
  const Schedule schedule = b.finish();
  Lowering wish = wishes(schedule);
  wish.element_bytes = 8;
  wish.block_bytes = 1;
  const Program program = lower(wish);
  EXPECT_EQ(program.block_bytes, 8U);
  EXPECT_EQ(program.instructions[0].blocks, 3U);
}

TEST_F(Lowered, SendsEachBlockOfAGroupOnce) {
  auto b = builder(48);  // three blocks
  for (Rank peer = 1; peer < 4; ++peer) b.send(peer, b.input());
  const auto program = std::make_shared<const Program>(lowered(b));
  Engine engine(Identity::random(), {});
  Context context(engine,
                  {.id = 1, .rank = 0, .links = {links_.links().begin(), links_.links().end()}});
  const std::vector<float> input(48);
  Operation operation(program);
  operation.bind({.buffers = {input.data(), nullptr}, .sequence = 1, .context = &context}, 1);
  for (std::size_t pass = 1; pass <= 3; ++pass) {
    EXPECT_TRUE(operation.pass());
    EXPECT_EQ(transport_.readers, std::vector<std::size_t>(pass, 3));
  }
  EXPECT_TRUE(operation.complete());
}

TEST_F(Lowered, WhatIsCombinedGoesBackOnlyIfNothingElseHasToHappenBefore) {
  auto b = builder(400);
  const Slice first = b.output().sub(0, 100), second = b.output().sub(100, 100);
  const Slice third = b.output().sub(200, 100), fourth = b.output().sub(300, 100);
  b.recv_reduce(1, b.input().sub(0, 100), first);
  b.recv_reduce(1, b.input().sub(100, 100), second);
  b.recv_reduce(1, b.input().sub(200, 100), third);
  b.recv_reduce(1, b.input().sub(300, 100), fourth);
  b.recv_reduce(2, fourth, fourth);
  b.send(1, first, {.channel = 1});
  b.send(2, second);            // to another
  b.send(1, third.sub(0, 99));  // not all of it
  b.send(1, fourth);            // once more comes in between
  const Program program = lowered(b);
  ASSERT_EQ(program.instructions.size(), 9U);
  EXPECT_EQ(program.instructions[0].sent_back, 5);
  for (std::size_t i = 1; i < 9; ++i) EXPECT_EQ(program.instructions[i].sent_back, 0) << i;
}

TEST_F(Lowered, WhatSeveralReadIsSentToAllOfThem) {
  auto b = builder(100);
  b.recv_reduce(3, b.input(), b.output());
  for (Rank peer = 1; peer < 4; ++peer) b.send(peer, b.output());
  EXPECT_EQ(lowered(b).instructions[0].sent_back, 0);
}

int multiplications = 0;
void multiply_floats(void* out, const void* in, std::size_t count, double factor) {
  ++multiplications;
  for (std::size_t i = 0; i < count; ++i) {
    static_cast<float*>(out)[i] = static_cast<const float*>(in)[i] * static_cast<float>(factor);
  }
}

TEST_F(Lowered, MultipliesWhateverItReadsOfTheInputAndNothingElse) {
  auto b = builder(100);
  b.send(1, b.input());
  b.recv_reduce(1, b.input(), b.output());
  b.recv_reduce(2, b.output(), b.output());
  b.send(2, b.output());
  b.recv(3, b.output());
  b.copy(b.input(), b.output());
  b.reduce(b.input(), b.output());
  const Schedule schedule = b.finish();
  Lowering wish = wishes(schedule);
  const auto multiplying = [&] {
    std::vector<bool> all;
    for (const Instruction& i : lower(wish).instructions) all.push_back(i.multiplies);
    return all;
  };
  EXPECT_EQ(multiplying(), std::vector<bool>(7, false));
  wish.multiply = multiply_floats;
  EXPECT_THAT(multiplying(), ElementsAre(true, true, false, false, false, true, true));
  EXPECT_EQ(lower(wish).product_bytes, wish.block_bytes);
}

TEST_F(Lowered, MultipliesABlockOnceForAllItsReadersAndTries) {
  auto b = builder(48);  // three blocks
  for (Rank peer = 1; peer < 4; ++peer) b.send(peer, b.input());
  b.send(1, b.input().sub(0, 16));
  const Schedule schedule = b.finish();
  Lowering wish = wishes(schedule);
  wish.multiply = multiply_floats;
  Engine engine(Identity::random(), {});
  Context context(engine,
                  {.id = 1, .rank = 0, .links = {links_.links().begin(), links_.links().end()}});
  const std::vector<float> input(48, 3);
  Operation operation(std::make_shared<const Program>(lower(wish)));
  auto& endpoint = dynamic_cast<FakeEndpoint&>(links_.links()[1]->endpoint());
  multiplications = 0;
  for (const double factor : {2.0, 5.0}) {
    endpoint.refusals = 5;
    operation.multiply_by(factor);
    operation.bind({.buffers = {input.data(), nullptr}, .sequence = 1, .context = &context}, 1);
    for (int pass = 0; pass < 9; ++pass) operation.pass();
    EXPECT_TRUE(operation.complete());
    EXPECT_EQ(endpoint.refusals, 0);
  }
  EXPECT_THAT(transport_.firsts, ElementsAre(6, 6, 6, 15, 15, 15));
  EXPECT_EQ(multiplications, 8);
}

TEST_F(Lowered, KnowsWhatIsNotReadAgain) {
  auto b = builder(40);
  b.copy(b.input().sub(0, 10), b.output().sub(0, 10));  // sent on
  b.send(1, b.output().sub(5, 10));
  b.recv(1, b.output().sub(20, 10));
  b.recv_reduce(2, b.input().sub(30, 10), b.output().sub(30, 10));
  b.recv_reduce(3, b.output().sub(30, 10), b.output().sub(30, 10));  // reads it again, in place
  const Program program = lowered(b);
  std::vector<bool> is_final;
  for (const Instruction& i : program.instructions) is_final.push_back(i.is_final);
  EXPECT_EQ(is_final, (std::vector{false, false, true, false, false}));
}

TEST_F(Lowered, NumbersMessagesPerPeerChannelAndDirection) {
  auto b = builder(64);
  b.send(1, b.input().sub(0, 40));                 // 3 blocks
  b.send(2, b.input().sub(0, 8));                  // another peer
  b.send(1, b.input().sub(0, 8), {.channel = 1});  // another channel
  b.recv(1, b.output().sub(0, 20));                // another direction
  b.send(1, b.input().sub(40, 8));                 // follows the first
  b.recv(1, b.output().sub(20, 4));                // follows the fourth
  const Program program = lowered(b);
  const auto numbers = [&](std::size_t i) {
    const Instruction& instruction = program.instructions[i];
    return std::vector<std::uint32_t>{instruction.message, instruction.first_block};
  };
  EXPECT_THAT(numbers(0), ElementsAre(0, 0));
  EXPECT_THAT(numbers(1), ElementsAre(0, 0));
  EXPECT_THAT(numbers(2), ElementsAre(0, 0));
  EXPECT_THAT(numbers(3), ElementsAre(0, 0));
  EXPECT_THAT(numbers(4), ElementsAre(1, 3));
  EXPECT_THAT(numbers(5), ElementsAre(1, 2));
}

TEST_F(Lowered, HasOneStreamPerPeerAndChannel) {
  auto b = builder(64);
  b.send(1, b.input());
  b.recv(1, b.output());
  b.send(3, b.output(), {.channel = 2});
  b.send(3, b.output());
  const Program program = lowered(b);
  ASSERT_EQ(program.streams.size(), 3U);
  EXPECT_EQ(program.instructions[0].stream, program.instructions[1].stream);
  EXPECT_NE(program.instructions[2].stream, program.instructions[3].stream);
  const Stream& stream = program.streams[program.instructions[2].stream];
  EXPECT_EQ(stream.peer, 3);
  EXPECT_EQ(stream.channel, 2);
  EXPECT_EQ(stream.link, links_.links()[3]);
  EXPECT_THAT(program.partners, ElementsAre(PartnerIs(1, true, true), PartnerIs(3, true, false)));
}

TEST_F(Lowered, GroupsSendsOfOneSliceThatFollowEachOther) {
  auto b = builder(64);
  b.send(1, b.input());
  b.send(2, b.input());
  b.send(3, b.input());
  b.send(1, b.input().sub(0, 8));
  const Program program = lowered(b);
  const auto group = [&](std::size_t i) { return program.instructions[i].group; };
  EXPECT_THAT((std::vector{group(0), group(1), group(2), group(3)}), ElementsAre(3, 2, 1, 1));
}

TEST_F(Lowered, GroupsNothingWithoutTheAbility) {
  FakeTransport plain;
  const FakeLinks links(plain, 4, 0, "tcp");
  auto b = builder(64);
  b.send(1, b.input());
  b.send(2, b.input());
  const Schedule schedule = b.finish();
  Lowering wish = wishes(schedule);
  wish.links = links.links();
  const Program program = lower(wish);
  EXPECT_EQ(program.instructions[0].group, 1);
  EXPECT_TRUE(program.uses_network);
}

TEST_F(Lowered, OneLinkCarriesOneMemberOfAGroup) {
  auto b = builder(64);
  b.send(1, b.input());
  b.send(1, b.input(), {.channel = 1});
  const Program program = lowered(b);
  EXPECT_EQ(program.instructions[0].group, 1);
}

TEST_F(Lowered, KeepsBlockwiseDependenciesUnlessToldOtherwise) {
  const auto write = [](ScheduleBuilder& b) {
    b.recv(1, b.output());
    b.send(2, b.output());            // the same slice: blockwise
    b.send(3, b.output().sub(0, 8));  // a part of it: whole
  };
  auto b = builder(64);
  write(b);
  const Program blockwise = lowered(b);
  ASSERT_EQ(blockwise.dependencies.size(), 2U);
  EXPECT_TRUE(blockwise.dependencies[0].blockwise);
  EXPECT_FALSE(blockwise.dependencies[1].blockwise);
  EXPECT_EQ(blockwise.dependencies[0].step, 0U);

  auto again = builder(64);
  write(again);
  const Schedule schedule = again.finish();
  Lowering wish = wishes(schedule);
  wish.blockwise = false;
  const Program whole = lower(wish);
  EXPECT_FALSE(whole.dependencies[0].blockwise);
}

TEST_F(Lowered, MakesARendezvousOfAMoverOtherThanEither) {
  auto b = builder(64);
  b.send(1, b.input(), {.mover = Mover::receiver});
  b.send(2, b.input());
  const Program program = lowered(b);
  EXPECT_TRUE(program.instructions[0].rendezvous);
  EXPECT_FALSE(program.instructions[1].rendezvous);
}

TEST_F(Lowered, CountsScratchInBytes) {
  auto b = builder(64);
  const Slice scratch = b.scratch(10);
  b.recv(1, scratch);
  b.reduce(scratch, b.output().sub(0, 10));
  const Program program = lowered(b);
  EXPECT_EQ(program.scratch_bytes, 40U);
  EXPECT_EQ(program.instructions[0].dst_buffer, Buffer::scratch);
}

// Both ends of every message agree on its number and its blocks, for every algorithm.
TEST(Lowering, BothEndsNumberMessagesAlike) {
  const Topology topology = Topology::single_node(5);
  FakeGroupTransport transport;
  for (const Algorithm& algorithm : algorithms()) {
    const bool direct =
        algorithm.collective == Collective::send || algorithm.collective == Collective::recv;
    const Problem problem = problem_of(topology, algorithm.collective, 601);
    if (direct || !algorithm.supports(problem)) continue;
    // (from, to, channel, message) → (first block, blocks), seen from both ends
    std::map<std::vector<int>, std::array<std::vector<std::uint32_t>, 2>> seen;
    for (Rank me = 0; me < 5; ++me) {
      const FakeLinks links(transport, 5, me);
      const Schedule schedule = build_schedule(algorithm, problem, me);
      const Program program = lower({.schedule = schedule,
                                     .links = links.links(),
                                     .element_bytes = 4,
                                     .block_bytes = 256,
                                     .algorithm = ""});
      for (const Instruction& i : program.instructions) {
        if (i.op == Op::copy || i.op == Op::reduce) continue;
        const bool sends = i.op == Op::send;
        const Rank peer = program.streams[i.stream].peer;
        const std::vector<int> name{sends ? me : peer, sends ? peer : me, i.channel,
                                    static_cast<int>(i.message)};
        seen[name][sends ? 0 : 1] = {i.first_block, i.blocks};
      }
    }
    for (const auto& [name, ends] : seen) EXPECT_EQ(ends[0], ends[1]) << algorithm.name;
  }
}

}  // namespace
}  // namespace motet::test
