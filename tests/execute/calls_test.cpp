// Calls that are under way at the same time, on ranks that are threads.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <vector>

#include "scenarios.hpp"

namespace motet::test {
namespace {

struct Variant {
  std::string name;
  Network network;
};
void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.name;
}

Network one_slot() {
  Network network;
  network.options.slots = 1;
  return network;
}

std::vector<Variant> variants() {
  Network shm, tcp, faulty, past_caches;
  past_caches.past_caches = true;
  tcp.transport = "tcp";
  Network reading = tcp;
  reading.reads = true;
  faulty.fault = "seed=3,delay=3,full=0.1,reorder=0.2";
  std::vector<Variant> all{{"shm", shm},
                           {"shm_one_slot", one_slot()},
                           {"shm_past_caches", past_caches},
                           {"shm_tiny", tiny(shm)},
                           {"shm_tiny_faults", tiny(faulty)},
                           {"tcp", tcp},
                           {"tcp_tiny", tiny(tcp)},
                           {"reading", reading}};
  for (const std::string& name : available({"ofi", "ucx"})) {
    Network fabric;
    fabric.transport = name;
    all.push_back({name, fabric});
  }
  return all;
}

class Calls : public testing::TestWithParam<Variant> {
 protected:
  static constexpr std::size_t small = 2;

  const Network& network() const { return GetParam().network; }
  // Four blocks, or forty tiny ones.
  std::size_t large() const { return network().block_bytes > 1024 ? 100'003 : 10'007; }
};

INSTANTIATE_TEST_SUITE_P(Networks, Calls, testing::ValuesIn(variants()),
                         [](const auto& one) { return one.param.name; });

TEST_P(Calls, MayBeWaitedForInOppositeOrderOnTwoCommunicators) {
  for (const std::size_t count : {small, large()}) {
    World world(network(), 2);
    world.run([&](RankEngine& rank) { wait_in_opposite_order(rank, 2, count); });
  }
}

TEST_P(Calls, OfEightRanksMayBeWaitedForInOppositeOrder) {
  World world(network(), 8);
  world.run([&](RankEngine& rank) { wait_in_opposite_order(rank, 8, large() / 2); });
}

TEST_P(Calls, OnOneCommunicatorInterleaveTheirMessages) {
  World world(network(), 3);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(3));
    Running first(comm, allreduce_of(large()), 1), second(comm, allreduce_of(large(), true), 2);
    second.finish();
    first.finish();
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, StayPendingWhileAnotherCommunicatorComesAndGoes) {
  World world(network(), 3);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(3));
    Running pending(comm, allreduce_of(large()), 1);
    for (std::uint32_t id = 2; id < 6; ++id) {
      Comm other(rank, id, {2, 0, 1});
      for (std::uint64_t i = 0; i < 5; ++i) exercise(other, allreduce_of(1000), id * 10 + i);
    }
    pending.finish();
    expect_nothing_aside(comm);
  });
}

// What is sent to a communicator that is not there yet waits for it.
TEST_P(Calls, ReachACommunicatorThatIsMadeLater) {
  World world(network(), 2);
  std::latch sent(1);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(2));
    if (rank.rank() == 0) {
      Comm later(rank, 2, everybody(2));
      Running broadcast(later, broadcast_of(8, 0), 1);
      exercise(comm, allreduce_of(1000), 2);
      broadcast.finish();
      later.barrier();
      sent.wait();
    } else {
      exercise(comm, allreduce_of(1000), 2);
      Comm later(rank, 2, everybody(2));
      exercise(later, broadcast_of(8, 0), 1);
      later.barrier();
      sent.count_down();
    }
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, CompleteAlthoughARankOutsideThemMakesNoCall) {
  for (const std::size_t count : {small, large()}) {
    World world(network(), 4);
    std::latch through(3);
    world.run([&](RankEngine& rank) {
      leave_the_last_rank_out(
          rank, 4, count, [&] { through.count_down(); }, [&] { through.wait(); });
    });
  }
}

TEST_P(Calls, MayBeStartedAThousandTimesBeforeTheFirstWait) {
  World world(network(), 3);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(3));
    std::vector<std::unique_ptr<Running>> calls;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const Ask ask = i % 3 == 0 ? broadcast_of(5, static_cast<Rank>(i / 3 % 3)) : allreduce_of(7);
      calls.push_back(std::make_unique<Running>(comm, ask, i));
    }
    if (rank.rank() == 1) std::ranges::reverse(calls);
    for (const auto& call : calls) call->finish();
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, SendAThousandMessagesBeforeTheFirstWait) {
  World world(network(), 2);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(2));
    const Rank peer = 1 - rank.rank();
    std::vector<std::unique_ptr<Running>> calls;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::size_t count = i % 100 == 0 ? 5000 : i % 7;
      for (const bool sends : {rank.rank() == 0, rank.rank() != 0}) {
        const Ask ask{.collective = sends ? Collective::send : Collective::recv,
                      .count = count,
                      .root = peer};
        calls.push_back(std::make_unique<Running>(comm, ask, i));
      }
    }
    for (const auto& call : calls) call->finish();
    expect_nothing_aside(comm);
  });
}

// How far a sender gets ahead of those who receive.
class Lead {
 public:
  explicit Lead(int ranks) : received_(static_cast<std::size_t>(ranks)) {}
  void receive(Rank rank) { ++received_[static_cast<std::size_t>(rank)]; }
  void check(std::uint64_t sent, Rank root) const {
    for (std::size_t rank = 0; rank < received_.size(); ++rank) {
      if (static_cast<Rank>(rank) == root) continue;
      // One more: the peer has consumed it and is about to say so here.
      const std::uint64_t most = received_[rank].load() + max_ahead + 1;
      if (sent > most) throw std::runtime_error("the root is too far ahead");
    }
  }

 private:
  std::vector<std::atomic<std::uint64_t>> received_;
};

TEST_P(Calls, FromOneRootStayBoundedWhenReceiversAreSlow) {
  World world(network(), 3);
  Lead lead(3);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(3));
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      Ask ask = broadcast_of(i % 50 == 0 ? 3000 : 5, 0);
      ask.algorithm = "mesh";
      exercise(comm, ask, i);
      if (rank.rank() == 0) {
        lead.check(i, 0);
      } else {
        lead.receive(rank.rank());
        sched_yield();  // slow
      }
    }
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, SendBoundedlyAheadOfASlowReceiver) {
  World world(network(), 2);
  Lead lead(2);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(2));
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      Ask ask{.collective = Collective::send, .count = i % 50 == 0 ? 3000U : 5U, .root = 1};
      if (rank.rank() == 0) {
        exercise(comm, ask, i);
        lead.check(i, 0);
      } else {
        ask.collective = Collective::recv;
        ask.root = 0;
        exercise(comm, ask, i);
        lead.receive(1);
        sched_yield();  // slow
      }
    }
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, ReduceBackToBack) {
  World world(network(), 4);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(4));
    for (std::uint64_t i = 0; i < 300; ++i) {
      exercise(comm, {.collective = Collective::reduce, .count = i % 20 == 0 ? 3000U : 3U}, i);
    }
    expect_nothing_aside(comm);
  });
}

TEST_P(Calls, FollowEachOtherWithChangingRoots) {
  World world(network(), 4);
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(4));
    for (std::uint64_t i = 0; i < 300; ++i) {
      const auto root = static_cast<Rank>(i * 7 % 4);
      const auto collective = i % 2 == 0 ? Collective::reduce : Collective::broadcast;
      exercise(comm, {.collective = collective, .count = 1 + i, .root = root}, i);
    }
    expect_nothing_aside(comm);
  });
}

// Nobody has to receive for the first 64.
TEST(Window, LetsARootGoManyCallsAhead) {
  for (const std::string transport : {"shm", "tcp"}) {
    Network network;
    network.transport = transport;
    World world(network, 2);
    std::latch ahead(1);
    world.run([&](RankEngine& rank) {
      Comm comm(rank, 1, everybody(2));
      if (rank.rank() == 1) ahead.wait();
      for (std::uint64_t i = 1; i <= 100; ++i) {
        exercise(comm, broadcast_of(5, 0), i);
        if (rank.rank() == 0 && i == max_ahead) ahead.count_down();
      }
      expect_nothing_aside(comm);
    });
  }
}

// Where its blocks were to be put nothing is written any more, although they come.
TEST(Placement, EndsWithAFailedCall) {
  constexpr std::size_t count = 262'144;  // 1 MiB
  Network network;
  network.transport = "tcp";
  World world(network, 2);
  std::latch failed(1);
  world.run([&](RankEngine& rank) {
    Comm one(rank, 1, everybody(2));
    Comm other(rank, 2, everybody(2));
    const bool sends = rank.rank() == 0;
    const std::vector<std::uint32_t> input(count, 7);
    std::vector<std::uint32_t> output(count);
    if (sends) failed.wait();
    Call call = one.start(broadcast_of(count, 0), input.data(), output.data());
    if (sends) {
      EXPECT_FALSE(call.test()) << "nobody takes it";
    } else {
      EXPECT_FALSE(call.test()) << "nothing has come";
      one.context().fail({ErrorCode::timeout, "given up"});
      EXPECT_THROW(call.wait(), std::runtime_error);
      failed.count_down();
    }
    other.barrier();  // behind the blocks, on the same connection
    if (!sends) {
      EXPECT_EQ(output, std::vector<std::uint32_t>(count));
      return;
    }
    one.context().fail({ErrorCode::timeout, "given up"});
    EXPECT_THROW(call.wait(), std::runtime_error);
  });
}

// Its first blocks come before anybody has said where they belong.
TEST(Placement, ComesTooLateForBlocksThatAreThere) {
  constexpr std::size_t count = 262'144;
  Network network;
  network.transport = "tcp";
  World world(network, 2);
  world.run([&](RankEngine& rank) {
    Comm one(rank, 1, everybody(2));
    Comm other(rank, 2, everybody(2));
    std::vector<std::uint32_t> data(count, rank.rank() == 0 ? 7 : 0);
    if (rank.rank() == 1) other.barrier();
    Call call = one.start(broadcast_of(count, 0), data.data(), data.data());
    if (rank.rank() == 0) {
      call.test();
      other.barrier();
    }
    call.wait();
    EXPECT_EQ(data, std::vector<std::uint32_t>(count, 7));
    for (std::uint64_t i = 1; i <= 3; ++i) exercise(one, broadcast_of(count, 0), i);
    expect_nothing_aside(one);
  });
}

}  // namespace
}  // namespace motet::test
