#include "communicator/plan_cache.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

constexpr int ranks = 3;
using Counts = std::vector<std::size_t>;

Arguments even(std::size_t count) {
  return {.collective = Collective::allreduce, .count = count};
}
Arguments uneven(const Counts& sent, const Counts& received) {
  return {.collective = Collective::alltoall,
          .counts = sent.data(),
          .received_counts = received.data(),
          .form = Form::uneven};
}

PlanKey key_of(const Arguments& arguments) {
  return {arguments, false, 0, ranks};
}
CachedPlan& add(PlanCache& cache, const Arguments& arguments, std::size_t scratch_bytes = 0) {
  Program program;
  program.scratch_bytes = scratch_bytes;
  return cache.add(std::make_unique<CachedPlan>(key_of(arguments), arguments, Extent{},
                                                to_record(arguments, 0, 0, ranks),
                                                std::move(program)));
}

TEST(PlanCache, FindsUnevenPlansByEveryCount) {
  PlanCache cache;
  const Counts sent{1, 0, 7}, received{1, 2, 3};
  const CachedPlan* plan = nullptr;
  {
    // Plans keep what they are found by.
    Counts gone = sent, also_gone = received;
    plan = &add(cache, uneven(gone, also_gone));
    gone.assign(gone.size(), 77);
    also_gone.clear();
  }
  EXPECT_EQ(cache.find(key_of(uneven(sent, received))), plan);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    Counts other_sent = sent, other_received = received;
    ++other_sent[i];
    ++other_received[i];
    EXPECT_EQ(cache.find(key_of(uneven(other_sent, received))), nullptr);
    EXPECT_EQ(cache.find(key_of(uneven(sent, other_received))), nullptr);
  }
  EXPECT_EQ(cache.find(key_of(uneven(received, sent))), nullptr);
  EXPECT_EQ(cache.find(key_of({.collective = Collective::alltoall})), nullptr);
}

TEST(PlanCache, CountsAtTheRootAloneAreLookedAtThereAlone) {
  const Counts counts{5, 6, 7}, others{5, 9, 9};
  Arguments one{
      .collective = Collective::gather, .count = 5, .counts = counts.data(), .form = Form::uneven};
  Arguments other = one;
  other.counts = others.data();
  EXPECT_FALSE(key_of(one) == key_of(other));
  one.root = other.root = 1;
  EXPECT_EQ(key_of(one), key_of(other));
}

TEST(PlanCache, KeepsFewUnevenPlansAndLosesNoOthersToThem) {
  PlanCache cache;
  for (std::size_t count = 1; count <= 500; ++count) add(cache, even(count));
  const Counts received(ranks, 1);
  const Counts used{9, 9, 9};
  CachedPlan& busy = add(cache, uneven(used, received));
  const auto operation = busy.take();
  std::size_t kept = 0;
  for (std::size_t step = 0; step < 10'000; ++step) {
    add(cache, uneven({step, 1, 2}, received), 4096);
  }
  for (std::size_t step = 0; step < 10'000; ++step) {
    kept += cache.find(key_of(uneven({step, 1, 2}, received))) != nullptr ? 1 : 0;
  }
  EXPECT_GE(kept, 100U);
  EXPECT_LE(kept, 200U);
  EXPECT_NE(cache.find(key_of(uneven({9999, 1, 2}, received))), nullptr) << "the latest";
  EXPECT_EQ(cache.find(key_of(uneven(used, received))), &busy) << "it is under way";
  for (std::size_t count = 1; count <= 500; ++count) {
    EXPECT_NE(cache.find(key_of(even(count))), nullptr) << count;
  }
}

TEST(PlanCache, KeepsTheOneThatACallHasUsedLast) {
  PlanCache cache;
  const Counts received(ranks, 1);
  cache.note_latest(add(cache, uneven({77, 77, 77}, received)));
  for (std::size_t step = 0; step < 1000; ++step) add(cache, uneven({step, 1, 2}, received));
  EXPECT_EQ(cache.latest(), cache.find(key_of(uneven({77, 77, 77}, received))));
  cache.clear();
  EXPECT_EQ(cache.latest(), nullptr);
}

TEST(PlanCache, KeepsFewerUnevenPlansOfMuchScratchMemory) {
  PlanCache cache;
  const Counts received(ranks, 1);
  std::size_t kept = 0;
  for (std::size_t step = 0; step < 100; ++step) {
    add(cache, uneven({step, 1, 2}, received), std::size_t{16} << 20);
  }
  for (std::size_t step = 0; step < 100; ++step) {
    kept += cache.find(key_of(uneven({step, 1, 2}, received))) != nullptr ? 1 : 0;
  }
  EXPECT_GE(kept, 1U);
  EXPECT_LE(kept, 8U) << "of 16 MiB each";
}

}  // namespace
}  // namespace motet
