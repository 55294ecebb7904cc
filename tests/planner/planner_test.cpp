#include "planner/planner.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "topology/fabric.hpp"

namespace motet {
namespace {

constexpr std::size_t kib = 1024;

Problem problem(const Topology& topology, Collective collective, std::size_t bytes) {
  const int ranks = topology.world_size();
  const bool is_uniform = collective == Collective::alltoall;
  return {.topology = topology,
          .collective = collective,
          .parts =
              is_uniform ? Parts::uniform(bytes / 4 / ranks, ranks) : Parts::even(bytes / 4, ranks),
          .params = {}};
}

std::string_view chosen(int ranks, int cores, std::size_t bytes,
                        Collective collective = Collective::allreduce) {
  const Topology topology = Topology::single_node(ranks);
  const Planner planner({.cores_per_node = cores});
  return planner.choose(problem(topology, collective, bytes)).algorithm->name;
}

TEST(Planner, SumsInOneShotAtTwoRanksUpTo8KiB) {
  for (const std::size_t bytes : {8UL, kib, 8 * kib}) {
    EXPECT_EQ(chosen(2, 2, bytes), "mesh") << bytes;
  }
}

// What is combined goes back in the memory in which it came.
TEST(Planner, SplitsTheSumAtTwoRanksFrom16KiB) {
  for (const std::size_t bytes : {16 * kib, 128 * kib, 1024 * kib, 64 * 1024 * kib}) {
    EXPECT_EQ(chosen(2, 2, bytes), "two_shot") << bytes;
  }
}

TEST(Planner, MinimisesTotalWorkWhenRanksShareCores) {
  for (const std::size_t bytes : {std::size_t{8}, kib, 4 * kib, 16 * kib}) {
    EXPECT_EQ(chosen(8, 2, bytes), "star") << bytes;
  }
  for (const std::size_t bytes : {1024 * kib, 64 * 1024 * kib}) {
    EXPECT_EQ(chosen(8, 2, bytes), "two_shot") << bytes;
  }
}

TEST(Planner, PublishesOnceForAllReadersOnANode) {
  for (const int ranks : {2, 4, 8}) {
    for (const std::size_t bytes : {std::size_t{8}, 64 * kib, 64 * 1024 * kib}) {
      EXPECT_EQ(chosen(ranks, ranks, bytes, Collective::broadcast), "mesh");
      EXPECT_EQ(chosen(ranks, ranks, bytes, Collective::allgather), "mesh");
    }
  }
}

TEST(Planner, WorksInTiersBetweenNodes) {
  const Topology topology = Topology::from_text("4 nodes x 8");
  const Planner planner({.cores_per_node = 8});
  const Choice choice = planner.choose(problem(topology, Collective::allreduce, 64 * 1024 * kib));
  EXPECT_EQ(choice.algorithm->name, "hierarchical");
  EXPECT_GT(choice.params.chunks, 1);
}

TEST(Planner, NeverTakesAFlatRingAtScale) {
  const Topology topology = Topology::from_text("128 nodes x 8");
  const Planner planner({.cores_per_node = 8});
  for (const std::size_t bytes : {std::size_t{8}, 64 * kib, 64 * 1024 * kib}) {
    const Choice choice = planner.choose(problem(topology, Collective::allreduce, bytes));
    EXPECT_NE(choice.algorithm->name, "ring") << bytes;
    EXPECT_NE(choice.algorithm->name, "mesh") << bytes;
  }
}

TEST(Planner, LetsTheReceiverMoveFrom64KiBOn) {
  const Topology topology = Topology::single_node(4);
  const Planner planner({.cores_per_node = 4});
  const auto mover = [&](std::size_t bytes) {
    return planner.choose(problem(topology, Collective::allgather, bytes)).params.mover;
  };
  EXPECT_EQ(mover(64 * kib - 4), Mover::either);
  EXPECT_EQ(mover(64 * kib), Mover::receiver);
}

TEST(Planner, ReadsMemoryWhereACopySavedIsWorthTheSystemCalls) {
  const auto reading = [&](int ranks, Collective collective, std::size_t bytes) {
    const Topology topology = Topology::single_node(ranks);
    return Planner({.cores_per_node = 2}).choose(problem(topology, collective, bytes)).reading;
  };
  EXPECT_EQ(reading(2, Collective::allgather, 1020 * kib), Reading::never);
  EXPECT_EQ(reading(2, Collective::allgather, 2048 * kib), Reading::perhaps);
  EXPECT_EQ(reading(2, Collective::allgather, 4096 * kib), Reading::likely);
  EXPECT_EQ(reading(4, Collective::allgather, 2048 * kib), Reading::likely);
  EXPECT_EQ(reading(2, Collective::allgather, 65536 * kib), Reading::likely);
  EXPECT_EQ(reading(2, Collective::alltoall, 4096 * kib), Reading::likely);
  EXPECT_EQ(reading(2, Collective::alltoall, 65536 * kib), Reading::perhaps);
  EXPECT_EQ(reading(2, Collective::allreduce, 4096 * kib), Reading::never);
}

TEST(Planner, CutsOnlyWhereAReceiverWouldWaitForTheFirstBlock) {
  const Topology topology = Topology::single_node(2);
  const Planner planner({.cores_per_node = 2});
  const auto blocks = [&](Collective collective, std::size_t bytes) {
    return planner.choose(problem(topology, collective, bytes)).block_bytes;
  };
  EXPECT_GE(blocks(Collective::allreduce, 64 * kib), 64 * kib);
  EXPECT_EQ(blocks(Collective::allreduce, 1024 * kib), 128 * kib);
  EXPECT_EQ(blocks(Collective::broadcast, 256 * kib), 32 * kib);
}

TEST(Planner, LeavesRoomForAHeaderInThePacketsOfANetwork) {
  const Topology topology = Topology::from_text("2 nodes x 1");
  const Planner planner({.cores_per_node = 2});
  // Also where one only receives: it is handed a block while that comes.
  for (const Collective collective : {Collective::allreduce, Collective::broadcast}) {
    for (const std::size_t bytes : {64 * kib, 128 * kib, 256 * kib, 16 * 1024 * kib}) {
      EXPECT_EQ(planner.choose(problem(topology, collective, bytes)).block_bytes, 127 * kib);
    }
    // Whole, rather than with a rest as long as that room.
    EXPECT_GE(planner.choose(problem(topology, collective, 32 * kib)).block_bytes, 32 * kib);
  }
}

TEST(Planner, CutsAMessageAlikeAtBothEnds) {
  const Topology topology = Topology::from_text("2 nodes x 2");
  const Planner planner({.cores_per_node = 2});
  for (std::size_t bytes = 4; bytes <= 64 * 1024 * kib; bytes *= 2) {
    const auto block = [&](Collective collective, Rank peer) {
      Problem asked = problem(topology, collective, bytes);
      asked.root = peer;
      return planner.choose(asked).block_bytes;
    };
    for (Rank from = 0; from < 4; ++from) {
      for (Rank to = 0; to < 4; ++to) {
        EXPECT_EQ(block(Collective::send, to), block(Collective::recv, from)) << bytes;
      }
    }
  }
}

TEST(Planner, CountsTheCoresThatSeveralNodesShare) {
  const Topology topology = Topology::from_text("8 nodes x 1");
  const Problem asked = problem(topology, Collective::allreduce, 64 * kib);
  const Choice alone = Planner({.cores_per_node = 2}).choose(asked);
  const Choice together = Planner({.cores_per_node = 2, .nodes_sharing = 8}).choose(asked);
  EXPECT_EQ(alone.predicted.switching, Seconds());
  EXPECT_GT(together.predicted.switching, Seconds());
}

TEST(Planner, SendsLittleThroughASlowNetwork) {
  const Topology topology = Topology::from_text("4 nodes x 2");
  const Machine fast{.cores_per_node = 2, .nodes_sharing = 4, .holds_all_nodes = true};
  Machine slow = fast;
  slow.nic = Bandwidth::gigabytes(0.025);
  const auto names = [&](const Machine& machine, std::size_t bytes) {
    const auto choose = [&](Collective collective) {
      return std::string(
          Planner(machine).choose(problem(topology, collective, bytes)).algorithm->name);
    };
    return std::pair(choose(Collective::allreduce), choose(Collective::broadcast));
  };
  EXPECT_EQ(names(fast, 4 * kib), std::pair(std::string("leaders"), std::string("binomial")));
  EXPECT_EQ(names(slow, 4 * kib),
            std::pair(std::string("leaders_circulant"), std::string("chain")));
  const Problem gathered = problem(topology, Collective::allgather, 4 * kib);
  EXPECT_EQ(Planner(slow).choose(gathered).algorithm->name, "leaders");
  const auto chunks = [&](const Machine& machine) {
    const Problem asked = problem(topology, Collective::allreduce, 4096 * kib);
    return Planner(machine).choose(asked, {.algorithm = "hierarchical"}).params.chunks;
  };
  EXPECT_EQ(chunks(fast), 1);
  EXPECT_EQ(chunks(slow), 16);
  const std::string text = Planner(slow).explain(problem(topology, Collective::allreduce, 4 * kib));
  EXPECT_NE(text.find("0.025 GB/s from node to node (measured when the job began)"),
            std::string::npos)
      << text;
}

TEST(Planner, AnswersForEveryCollectiveAndWorldSize) {
  for (const int ranks : {1, 2, 3, 5, 7, 16, 17, 64, 65}) {
    const Topology topology = Topology::single_node(ranks);
    const Planner planner({.cores_per_node = 2});
    for (int i = 0; i < collective_count; ++i) {
      for (const std::size_t bytes : {std::size_t{0}, std::size_t{4}, 1024 * kib}) {
        const auto collective = static_cast<Collective>(i);
        const std::size_t count = collective == Collective::barrier ? 0 : bytes;
        const Choice choice = planner.choose(problem(topology, collective, count));
        ASSERT_NE(choice.algorithm, nullptr) << name(collective);
        EXPECT_GE(choice.predicted.total().count(), 0);
      }
    }
  }
}

TEST(Planner, ChoosesAlikeOnRootsThatWorkInPlaceAndOnTheOthers) {
  for (const int ranks : {2, 5, 8}) {
    const Topology topology = Topology::single_node(ranks);
    const Planner planner({.cores_per_node = 2});
    for (const Collective collective : {Collective::reduce, Collective::broadcast}) {
      for (std::size_t bytes = 4; bytes <= 64 * 1024 * kib; bytes *= 2) {
        Problem asked = problem(topology, collective, bytes);
        const Choice apart = planner.choose(asked);
        asked.in_place = true;
        const Choice in_place = planner.choose(asked);
        EXPECT_EQ(apart.algorithm, in_place.algorithm) << name(collective) << bytes;
        EXPECT_EQ(apart.predicted.total(), in_place.predicted.total());
      }
    }
  }
}

TEST(Planner, KeepsTheOrderOfOperandsWhenItMatters) {
  const Topology topology = Topology::single_node(4);
  const Planner planner({.cores_per_node = 4});
  Problem ordered = problem(topology, Collective::allreduce, 1024 * kib);
  ordered.commutative = false;
  EXPECT_TRUE(planner.choose(ordered).algorithm->supports(ordered));
}

TEST(Planner, SharesTheWorkOfLargeReductionsThatKeepTheOrder) {
  const Topology topology = Topology::single_node(8);
  const Planner planner({.cores_per_node = 8});
  for (const Rank root : {0, 3, 7}) {
    Problem ordered = problem(topology, Collective::reduce, 64 * 1024 * kib);
    ordered.commutative = false;
    ordered.root = root;
    // Trees keep the order where rank 0 is the root.
    EXPECT_EQ(planner.choose(ordered).algorithm->name,
              root == 0 ? "two_tree" : "reduce_scatter_gather");
  }
}

TEST(Planner, FollowsAHint) {
  const Topology topology = Topology::single_node(4);
  const Planner planner({.cores_per_node = 4});
  const Problem asked = problem(topology, Collective::allreduce, kib);
  EXPECT_EQ(planner.choose(asked, {.algorithm = "ring"}).algorithm->name, "ring");
}

TEST(Planner, ListsTheValidNamesWhenAHintMakesNoSense) {
  const Topology topology = Topology::single_node(3);
  const Planner planner({.cores_per_node = 4});
  const Problem asked = problem(topology, Collective::allgather, kib);
  try {
    planner.choose(asked, {.algorithm = "rong"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error.what(),
                 "allgather: algorithm \"rong\" does not exist; valid here: mesh, circulant, ring");
  }
  EXPECT_THROW(planner.choose(asked, {.algorithm = "recursive_doubling"}), Error);
}

TEST(Planner, ExpectsNothingFasterThanItsBound) {
  for (const int ranks : {2, 3, 8}) {
    for (const int cores : {1, 2, 8}) {
      const Topology topology = Topology::single_node(ranks);
      const Planner planner({.cores_per_node = cores});
      for (const Collective collective :
           {Collective::allreduce, Collective::allgather, Collective::reduce_scatter,
            Collective::broadcast, Collective::reduce, Collective::alltoall, Collective::gather,
            Collective::scatter}) {
        for (const std::size_t bytes : {96UL, 24 * kib, 24 * 1024 * kib}) {
          const Expectation expected = planner.expect(problem(topology, collective, bytes));
          EXPECT_GT(expected.share_of_bound(), 0) << name(collective) << " " << bytes;
          EXPECT_LE(expected.share_of_bound(), 1)
              << name(collective) << " of " << bytes << " on " << ranks << ":" << cores;
        }
      }
    }
  }
  for (const char* nodes : {"4 nodes x 1", "4 nodes x 2", "16 nodes x 8",
                            "rank 0: node 0\nrank 1: node 0\nrank 2: node 0\nrank 3: node 1\n"}) {
    const Topology topology = Topology::from_text(nodes);
    const Planner planner({.cores_per_node = 2, .nic = Bandwidth::gigabytes(0.025)});
    for (const Collective collective : {Collective::allreduce, Collective::allgather,
                                        Collective::broadcast, Collective::reduce_scatter}) {
      const Expectation expected = planner.expect(problem(topology, collective, 24 * kib));
      EXPECT_GT(expected.share_of_bound(), 0) << name(collective) << " on " << nodes;
      EXPECT_LE(expected.share_of_bound(), 1) << name(collective) << " on " << nodes;
    }
  }
  // Whose messages cost nothing per byte.
  const Tuning free = Tuning::from_text("message shared_memory 0 B 1 us, 1 MiB 1 us\n");
  const Topology four = Topology::single_node(4);
  EXPECT_GT(Planner({.cores_per_node = 4}, free)
                .expect(problem(four, Collective::allgather, 1024 * kib))
                .bound,
            Seconds());
  const Topology one = Topology::single_node(1);
  EXPECT_EQ(Planner({}).expect(problem(one, Collective::allreduce, 8)).bound, Seconds());
  const Topology two = Topology::single_node(2);
  EXPECT_EQ(Planner({}).expect(problem(two, Collective::allreduce, 0)).bound, Seconds());
}

// A slow link between two fast pairs: trees that cross it once.
TEST(Planner, GoesByTheFabricWhereThereIsOne) {
  const Fabric fabric = Fabric::from_text(
      "fabric pairs\nranks 1 nodes x 4\nclass fast 100 GB/s 1 us\nclass slow 1 GB/s 1 us\n"
      "edge node 0-1 fast\nedge node 2-3 fast\nedge node 1-2 slow\nswitch node slow\n");
  Problem asked = problem(fabric.topology(), Collective::allgather, 4096 * kib);
  asked.parts = Parts::uniform(256 * kib, 4);
  asked.fabric = &fabric;
  const Planner planner({.cores_per_node = 4});
  const Expectation expected = planner.expect(asked);
  EXPECT_EQ(expected.choice.algorithm->name, "forest");
  EXPECT_GT(expected.share_of_bound(), 0.8);
  EXPECT_LE(expected.share_of_bound(), 1);
  const std::string text = planner.explain(asked);
  EXPECT_NE(text.find("fabric pairs"), std::string::npos) << text;
  EXPECT_NE(text.find("% of bound)"), std::string::npos) << text;
  asked.fabric = nullptr;
  EXPECT_NE(planner.choose(asked).algorithm->name, "forest");
}

// Links are fast here: what ranks that share cores must do together decides.
TEST(Planner, OnAFabricCoresThatAreSharedCountToo) {
  const Fabric fabric = Fabric::from_text(
      "fabric hosts\nranks 4 nodes x 2\nclass memory 100 GB/s 0.1 us\nclass nic 100 GB/s 1 us\n"
      "switch node memory\nswitch world nic of node\n");
  Problem asked = problem(fabric.topology(), Collective::allreduce, 64);
  asked.fabric = &fabric;
  const Choice alone = Planner({.cores_per_node = 2}).choose(asked);
  const Choice crowded = Planner({.cores_per_node = 2, .nodes_sharing = 4}).choose(asked);
  EXPECT_EQ(alone.algorithm->name, "mesh");
  EXPECT_EQ(crowded.algorithm->name, "leaders");
  EXPECT_GT(crowded.predicted.total(), alone.predicted.total());
}

TEST(Planner, ExplainsWhyTheOthersLost) {
  const Topology topology = Topology::single_node(8);
  const Planner planner({.cores_per_node = 2});
  const std::string text = planner.explain(problem(topology, Collective::allreduce, 4 * kib));
  EXPECT_EQ(text.find("allreduce of 4096 bytes on 8 ranks"), 0U) << text;
  EXPECT_NE(text.find("-> star"), std::string::npos) << text;
  EXPECT_NE(text.find("more switching between ranks that share a core"), std::string::npos) << text;
  EXPECT_NE(text.find("hierarchical           does not support this problem"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace motet
