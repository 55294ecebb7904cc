// Calls that begin together, and ranks that are all one thread's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <motet/motet.hpp>
#include <numeric>
#include <thread>

#include "calls.hpp"

namespace motet::testing {
namespace {

using ::testing::HasSubstr;

motet_config config_of(const motet_unique_id& id, int rank, int ranks) {
  motet_config config{};
  config.size = sizeof config;
  config.rank = rank;
  config.world_size = ranks;
  config.id = &id;
  config.setup_timeout_ms = 60'000;
  return config;
}

std::vector<motet_unique_id> new_ids(std::size_t count) {
  std::vector<motet_unique_id> ids(count);
  for (motet_unique_id& id : ids) must(motet_unique_id_create(&id));
  return ids;
}

// All ranks of a job, in this thread.
class OneThread {
 public:
  explicit OneThread(int ranks) : comms_(static_cast<std::size_t>(ranks)) {
    const auto ids = new_ids(1);
    must(motet_group_begin());
    for (int rank = 0; rank < ranks; ++rank) {
      const motet_config config = config_of(ids[0], rank, ranks);
      must(motet_comm_create(&config, &comms_[static_cast<std::size_t>(rank)]));
    }
    must(motet_group_end());
  }
  ~OneThread() {
    for (motet_comm* comm : comms_) motet_comm_destroy(comm);
  }
  OneThread(const OneThread&) = delete;

  const std::vector<motet_comm*>& comms() const { return comms_; }
  int size() const { return static_cast<int>(comms_.size()); }

  // One call of every rank.
  std::vector<OneCall> calls(const Asked& asked) const {
    std::vector<OneCall> calls;
    calls.reserve(comms_.size());
    for (motet_comm* comm : comms_) calls.emplace_back(asked, comm);
    return calls;
  }

 private:
  std::vector<motet_comm*> comms_;
};

std::vector<Asked> every_collective(int ranks) {
  std::vector<Asked> all;
  for (int kind = motet_collective_allreduce; kind <= motet_collective_barrier; ++kind) {
    for (const size_t count : {0, 1, 61, 40'000}) {
      for (const bool in_place : {false, true}) {
        all.push_back({.collective = static_cast<motet_collective>(kind),
                       .count = count,
                       .root = static_cast<int>(count) % ranks,
                       .in_place = in_place});
      }
    }
  }
  return all;
}

class RanksOfOneThread : public ::testing::TestWithParam<int> {};

TEST_P(RanksOfOneThread, MakeEveryCollectiveInAGroup) {
  const OneThread ranks(GetParam());
  for (const Asked& asked : every_collective(ranks.size())) {
    auto calls = ranks.calls(asked);
    must(motet_group_begin());
    for (OneCall& call : calls) must(call.run());
    must(motet_group_end());
    for (const OneCall& call : calls) call.check();
  }
}

TEST_P(RanksOfOneThread, MakeManyCallsInOneGroup) {
  const OneThread ranks(GetParam());
  std::vector<std::vector<OneCall>> all;
  for (const Asked& asked : every_collective(ranks.size())) all.push_back(ranks.calls(asked));
  must(motet_group_begin());
  for (auto& calls : all) {
    for (OneCall& call : calls) must(call.run());
  }
  must(motet_group_end());
  for (const auto& calls : all) {
    for (const OneCall& call : calls) call.check();
  }
}

// What is waited for one after the other goes on for all.
TEST_P(RanksOfOneThread, WaitForRequestsInAnyOrder) {
  const OneThread ranks(GetParam());
  for (const size_t count : {1, 5000, 200'000}) {
    auto calls = ranks.calls({.collective = motet_collective_allreduce, .count = count});
    must(motet_group_begin());
    for (OneCall& call : calls) must(call.start());
    for (OneCall& call : calls) EXPECT_EQ(call.request(), nullptr) << "untouched until the end";
    must(motet_group_end());
    for (OneCall& call : calls) {
      EXPECT_NE(call.request(), nullptr);
      for (int done = 0; count == 5000 && done == 0;) must(motet_test(&call.request(), &done));
      must(motet_wait(&call.request()));
      call.check();
    }
  }
}

TEST_P(RanksOfOneThread, ExchangeMessages) {
  const OneThread ranks(GetParam());
  const int n = ranks.size();
  for (const std::size_t count : {0, 1, 1000, 100'000}) {
    std::vector<std::vector<float>> out, in;
    for (int rank = 0; rank < n; ++rank) {
      out.emplace_back(count, static_cast<float>(rank));
      in.emplace_back(count, -1.0F);
    }
    must(motet_group_begin());
    for (int rank = 0; rank < n && n > 1; ++rank) {
      const auto at = static_cast<std::size_t>(rank);
      must(motet_recv(in[at].data(), count, motet_float32, (rank + n - 1) % n, ranks.comms()[at],
                      nullptr));
      must(motet_send(out[at].data(), count, motet_float32, (rank + 1) % n, ranks.comms()[at],
                      nullptr));
    }
    must(motet_group_end());
    for (int rank = 0; rank < n && n > 1; ++rank) {
      const auto from = static_cast<float>((rank + n - 1) % n);
      EXPECT_EQ(in[static_cast<std::size_t>(rank)], std::vector<float>(count, from));
    }
  }
}

// What a call points to, but for its buffers and what users hand on, is needed until it returns.
template <class Held>
void spoil(Held& held) {
  std::memset(held.data(), 0x5a, held.size() * sizeof held[0]);
}

std::size_t length(std::size_t from, std::size_t to) {
  return (3 * from + 5 * to) % 7 * 40;
}

TEST_P(RanksOfOneThread, MakeUnevenCallsWhoseCountsAreGoneWhenTheyBegin) {
  const OneThread ranks(GetParam());
  const std::size_t n = ranks.comms().size();
  std::vector<std::vector<float>> in(n), out(n), all(n), expected(n);
  std::vector<float> everything;
  must(motet_group_begin());
  for (std::size_t rank = 0; rank < n; ++rank) {
    std::vector<std::size_t> sent(n), received(n), parts(n);
    for (std::size_t peer = 0; peer < n; ++peer) {
      sent[peer] = length(rank, peer);
      received[peer] = length(peer, rank);
      parts[peer] = length(peer, 0);
      in[rank].insert(in[rank].end(), sent[peer], static_cast<float>(100 * rank + peer));
      expected[rank].insert(expected[rank].end(), received[peer],
                            static_cast<float>(100 * peer + rank));
    }
    out[rank].resize(expected[rank].size(), -1);
    all[rank].resize(std::accumulate(parts.begin(), parts.end(), std::size_t{0}), -1);
    everything.insert(everything.end(), parts[rank], static_cast<float>(100 * rank));
    motet_comm* const comm = ranks.comms()[rank];
    must(motet_alltoallv(in[rank].data(), sent.data(), out[rank].data(), received.data(),
                         motet_float32, comm, nullptr));
    must(motet_allgatherv(in[rank].data(), all[rank].data(), parts.data(), motet_float32, comm,
                          nullptr));
    spoil(sent);
    spoil(received);
    spoil(parts);
  }
  must(motet_group_end());
  EXPECT_EQ(out, expected);
  // The first length(rank, 0) of what a rank sends are what it has for rank 0.
  EXPECT_EQ(all, std::vector(n, everything));
}

TEST_P(RanksOfOneThread, MakeCallsWhoseDetailsAreGoneWhenTheyBegin) {
  const OneThread ranks(GetParam());
  const std::size_t n = ranks.comms().size();
  std::vector<std::vector<float>> scaled(n, std::vector<float>(333, 2.0F));
  std::vector<std::vector<int>> largest(n, std::vector<int>(50));
  must(motet_group_begin());
  for (std::size_t rank = 0; rank < n; ++rank) {
    motet_comm* const comm = ranks.comms()[rank];
    std::vector<motet_call> call(1);
    call[0].size = sizeof(motet_call);
    call[0].scale = static_cast<double>(rank + 1);
    must(motet_allreduce(scaled[rank].data(), scaled[rank].data(), 333, motet_float32,
                         motet_premul_sum, comm, call.data()));
    EXPECT_EQ(scaled[rank], std::vector(333, 2.0F)) << "untouched until the end";
    std::ranges::fill(largest[rank], static_cast<int>(rank));
    std::vector<motet_reduction> reduction(1);
    reduction[0].size = sizeof(motet_reduction);
    reduction[0].combine = [](void* to, const void* a, const void* b, std::size_t count, motet_type,
                              void*) {
      for (std::size_t i = 0; i < count; ++i) {
        static_cast<int*>(to)[i] =
            std::max(static_cast<const int*>(a)[i], static_cast<const int*>(b)[i]);
      }
    };
    reduction[0].commutative = 1;
    call[0].scale = 0;
    call[0].reduction = reduction.data();
    must(motet_allreduce(largest[rank].data(), largest[rank].data(), 50, motet_int32, motet_user,
                         comm, call.data()));
    spoil(call);
    spoil(reduction);
  }
  must(motet_group_end());
  const auto sum = static_cast<float>(n * (n + 1));
  EXPECT_EQ(scaled, std::vector(n, std::vector(333, sum)));
  EXPECT_EQ(largest, std::vector(n, std::vector(50, static_cast<int>(n) - 1)));
}

TEST_P(RanksOfOneThread, BindPlansInAGroupAndStartThemAfterwards) {
  const OneThread ranks(GetParam());
  auto calls = ranks.calls({.collective = motet_collective_allreduce, .count = 5000});
  std::vector<motet_plan*> plans(calls.size(), nullptr);
  std::vector<motet_request*> requests(calls.size(), nullptr);
  must(motet_group_begin());
  for (std::size_t i = 0; i < calls.size(); ++i) must(calls[i].bind(&plans[i]));
  EXPECT_EQ(motet_plan_run(plans[0]), motet_invalid_argument);
  EXPECT_EQ(motet_plan_start(plans[0], requests.data()), motet_invalid_argument);
  EXPECT_THAT(motet_last_error(), HasSubstr("motet_plan_start: not between motet_group_begin"));
  must(motet_group_end());
  for (std::size_t i = 0; i < calls.size(); ++i) must(motet_plan_start(plans[i], &requests[i]));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    must(motet_wait(&requests[i]));
    calls[i].check();
    must(motet_plan_free(plans[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(As, RanksOfOneThread, ::testing::Values(1, 2, 3, 5, 8),
                         [](const auto& test) { return std::to_string(test.param) + "_ranks"; });

TEST(Groups, MakeTheRanksOfSeveralJobsInOneThread) {
  const auto ids = new_ids(2);
  std::vector<motet_comm*> comms(5, nullptr);
  must(motet_group_begin());
  for (const auto& [job, rank, ranks, place] :
       {std::tuple(0U, 0, 2, 0U), {1U, 0, 3, 2U}, {0U, 1, 2, 1U}, {1U, 1, 3, 3U}, {1U, 2, 3, 4U}}) {
    const motet_config config = config_of(ids[job], rank, ranks);
    must(motet_comm_create(&config, &comms[place]));
  }
  must(motet_group_end());
  std::vector<OneCall> calls;
  calls.reserve(comms.size());
  for (motet_comm* comm : comms) {
    calls.emplace_back(Asked{.collective = motet_collective_allreduce, .count = 777}, comm);
  }
  must(motet_group_begin());
  for (OneCall& call : calls) must(call.run());
  must(motet_group_end());
  for (const OneCall& call : calls) call.check();
  for (motet_comm* comm : comms) must(motet_comm_destroy(comm));
}

TEST(Groups, CountOnlyAtTheOutermostEnd) {
  const OneThread ranks(2);
  auto calls = ranks.calls({.collective = motet_collective_allgather, .count = 10});
  must(motet_group_begin());
  for (OneCall& call : calls) {
    must(motet_group_begin());
    must(call.run());
    must(motet_group_end());
  }
  must(motet_group_end());
  for (const OneCall& call : calls) call.check();
}

TEST(Groups, RefuseAtOnceWhatIsWrongAndMakeTheRest) {
  const OneThread ranks(2);
  auto calls = ranks.calls({.collective = motet_collective_allreduce, .count = 10});
  must(motet_group_begin());
  for (OneCall& call : calls) must(call.run());
  float value = 0;
  EXPECT_EQ(motet_broadcast(&value, &value, 1, motet_float32, 2, ranks.comms()[0], nullptr),
            motet_invalid_argument);
  EXPECT_THAT(motet_last_error(), HasSubstr("root 2 is not a rank"));
  motet_call call{};
  call.size = sizeof call;
  call.algorithm = "bruck";
  EXPECT_EQ(motet_allreduce(&value, &value, 1, motet_float32, motet_sum, ranks.comms()[0], &call),
            motet_invalid_argument);
  must(motet_group_end());
  for (const OneCall& each : calls) each.check();
}

TEST(Groups, RefuseWhatWouldWaitForThem) {
  const OneThread ranks(1);
  motet_comm* const comm = ranks.comms()[0];
  motet_comm* part = nullptr;
  motet_request* request = nullptr;
  int done = 0;
  must(motet_group_begin());
  EXPECT_EQ(motet_comm_split(comm, 0, 0, &part), motet_invalid_argument);
  EXPECT_EQ(motet_comm_destroy(comm), motet_invalid_argument);
  EXPECT_EQ(motet_test(&request, &done), motet_invalid_argument);
  EXPECT_EQ(motet_wait(&request), motet_invalid_argument);
  EXPECT_THAT(motet_last_error(), HasSubstr("motet_wait: not between motet_group_begin"));
  must(motet_group_end());
  must(motet_barrier(comm, nullptr));
  EXPECT_EQ(motet_group_end(), motet_invalid_argument);
}

TEST(Groups, FinishAllAndGiveTheFirstFailure) {
  const OneThread ranks(3);
  const OneThread others(2);
  auto calls = others.calls({.collective = motet_collective_allreduce, .count = 1000});
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = 200;
  must(motet_group_begin());
  must(motet_barrier(ranks.comms()[1], &call));  // the others do not come
  for (OneCall& each : calls) must(each.run());
  EXPECT_EQ(motet_group_end(), motet_timeout);
  EXPECT_THAT(motet_last_error(), HasSubstr("rank 1: barrier #1: timed out after 200 ms"));
  for (const OneCall& each : calls) each.check();
}

TEST(Groups, EndWhenSomebodyInterruptsACall) {
  const OneThread ranks(2);
  motet_call call{};
  call.size = sizeof call;
  call.interrupted = [](void*) { return 1; };
  must(motet_group_begin());
  must(motet_barrier(ranks.comms()[0], &call));  // the other does not come
  EXPECT_EQ(motet_group_end(), motet_aborted);
  EXPECT_THAT(motet_last_error(), HasSubstr("rank 0 was interrupted"));
}

TEST(Groups, SayWhyACommunicatorCouldNotBeMade) {
  const auto ids = new_ids(1);
  motet_config config = config_of(ids[0], 1, 3);
  config.setup_timeout_ms = 300;
  motet_comm* comm = nullptr;
  must(motet_group_begin());
  must(motet_comm_create(&config, &comm));
  EXPECT_EQ(motet_group_end(), motet_timeout);
  EXPECT_THAT(motet_last_error(), HasSubstr("rank 1: joining"));
  EXPECT_EQ(comm, nullptr);
}

TEST(Groups, AbortAtOnce) {
  const OneThread ranks(2);
  auto calls = ranks.calls({.collective = motet_collective_allreduce, .count = 10});
  must(motet_group_begin());
  for (OneCall& call : calls) must(call.run());
  must(motet_comm_abort(ranks.comms()[0], "no more"));
  EXPECT_EQ(motet_group_end(), motet_aborted);
  EXPECT_THAT(motet_last_error(), HasSubstr("no more"));
}

TEST(Groups, CallBackForWhatNobodyWaitsFor) {
  const OneThread ranks(3);
  auto calls = ranks.calls({.collective = motet_collective_alltoall, .count = 3000});
  std::atomic<int> told = 0;
  must(motet_group_begin());
  for (OneCall& call : calls) {
    must(call.start_unattended(
        [](motet_status, const char*, void* user) { ++*static_cast<std::atomic<int>*>(user); },
        &told));
  }
  EXPECT_EQ(told, 0);
  must(motet_group_end());
  while (told < 3) must(motet_progress(ranks.comms()[0]));
  for (const OneCall& call : calls) call.check();
}

TEST(Groups, CallBackForWhatCouldNotBegin) {
  const OneThread ranks(1);
  auto calls = ranks.calls({.collective = motet_collective_allreduce, .count = 10});
  struct Heard {
    int times = 0;
    motet_status status = motet_ok;
    std::string text;
  } unattended, attended;
  const auto hear = [](motet_status status, const char* text, void* user) {
    auto& heard = *static_cast<Heard*>(user);
    heard = {heard.times + 1, status, text};
  };
  auto more = ranks.calls({.collective = motet_collective_allreduce, .count = 10});
  must(motet_group_begin());
  must(calls[0].start_unattended(hear, &unattended));
  must(more[0].start(hear, &attended));
  must(motet_comm_abort(ranks.comms()[0], "no more"));
  EXPECT_EQ(motet_group_end(), motet_aborted);
  EXPECT_EQ(more[0].request(), nullptr);
  for (const Heard* heard : {&unattended, &attended}) {
    EXPECT_EQ(heard->times, 1);
    EXPECT_EQ(heard->status, motet_aborted);
    EXPECT_THAT(heard->text, HasSubstr("no more"));
  }
}

TEST(Groups, OfThreadsAreTheirOwn) {
  const OneThread ranks(1);
  must(motet_group_begin());
  std::jthread([&] {
    must(motet_barrier(ranks.comms()[0], nullptr));
    EXPECT_EQ(motet_group_end(), motet_invalid_argument);
  }).join();
  must(motet_group_end());
}

TEST(Groups, OfTheCxxInterfaceKeepRequestsThatAreMoved) {
  const auto ids = new_ids(1);
  std::vector<motet_comm*> made(2, nullptr);
  motet::Group creating;
  EXPECT_THROW(motet::Communicator::create(nullptr), motet::Error);
  for (int rank = 0; rank < 2; ++rank) {
    const motet_config config = config_of(ids[0], rank, 2);
    motet::check(motet_comm_create(&config, &made[static_cast<std::size_t>(rank)]));
  }
  creating.end();
  std::vector<motet::Communicator> comms;
  comms.reserve(made.size());
  for (motet_comm* comm : made) comms.emplace_back(comm);
  std::vector<std::vector<int>> data{{1, 2, 3}, {10, 20, 30}};
  std::vector<motet::Request> requests;
  {
    motet::Group group;
    for (std::size_t i = 0; i < 2; ++i) requests.push_back(comms[i].start_allreduce(data[i]));
    group.end();
  }
  for (motet::Request& request : requests) request.wait();
  for (const auto& one : data) EXPECT_EQ(one, (std::vector<int>{11, 22, 33}));
  {
    motet::Group group;  // its destructor ends it
    for (std::size_t i = 0; i < 2; ++i) comms[i].allreduce(data[i]);
  }
  for (const auto& one : data) EXPECT_EQ(one, (std::vector<int>{22, 44, 66}));
}

}  // namespace
}  // namespace motet::testing
