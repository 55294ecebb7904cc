// Many calls under way at once, on one communicator and on several.
#include <algorithm>
#include <random>

#include "board.hpp"
#include "calls.hpp"

namespace motet::testing {
namespace {

Asked allreduce_of(size_t count) {
  return {.collective = motet_collective_allreduce, .count = count};
}

OneCall started(const Asked& asked, motet_comm* comm) {
  OneCall call(asked, comm);
  must(call.start());
  return call;
}

void wait_for(OneCall& call) {
  must(motet_wait(&call.request()));
  must_be(call.request() == nullptr, "a request that was waited for is NULL");
  call.check();
}

void poll_for(OneCall& call) {
  for (int done = 0; done == 0;) must(motet_test(&call.request(), &done));
  must_be(call.request() == nullptr, "a request that is done is NULL");
  call.check();
}

// Ranks wait for two communicators in opposite order: whoever waits drives both.
void wait_in_opposite_order(const World& world, motet_comm* second) {
  for (const size_t count : {1, 10, 5000, 100'000, 1, 300'000}) {
    OneCall a = started(allreduce_of(count), world.comm);
    OneCall b = started(allreduce_of(count), second);
    wait_for(world.rank % 2 == 0 ? a : b);
    wait_for(world.rank % 2 == 0 ? b : a);
  }
}

void opposite_order(const World& world) {
  motet_comm* second = split(world.comm, 0, 0);
  wait_in_opposite_order(world, second);
  must(motet_comm_destroy(second));
}

// A request of the parent is pending while parts of it are made, used and destroyed.
void pending_while_splitting(const World& world) {
  OneCall outstanding = started(allreduce_of(200'000), world.comm);
  OneCall small = started(allreduce_of(3), world.comm);
  const int me = world.rank;
  for (int round = 0; round < 5; ++round) {
    motet_comm* part = split(world.comm, me % 2, -me);
    must_be(motet_comm_rank(part) == (world.size - 1 - me) / 2, "ranks are ordered by key");
    OneCall inner = started(allreduce_of(1000), part);
    wait_for(inner);
    must(motet_comm_destroy(part));
  }
  must_be(split(world.comm, -1, 0) == nullptr, "a negative colour joins none");
  wait_for(small);
  wait_for(outstanding);
}

void thousand_requests(const World& world) {
  constexpr motet_collective kinds[] = {motet_collective_allreduce, motet_collective_broadcast,
                                        motet_collective_allgather, motet_collective_alltoall,
                                        motet_collective_reduce,    motet_collective_barrier};
  std::vector<OneCall> all;
  all.reserve(1000);
  for (size_t i = 0; i < 1000; ++i) {
    const Asked asked{.collective = kinds[i % std::size(kinds)],
                      .count = 1 + i % 300,
                      .root = static_cast<int>(i) % world.size,
                      .in_place = i % 5 == 0};
    all.push_back(started(asked, world.comm));
  }
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<unsigned>(world.rank)));
  for (const size_t i : order) i % 3 == 0 ? poll_for(all[i]) : wait_for(all[i]);
}

std::vector<OneCall> start_alike(const World& world, const char* algorithm) {
  std::vector<OneCall> all;
  all.reserve(60);
  for (size_t i = 0; i < 60; ++i) {
    Asked asked = allreduce_of(100);
    asked.algorithm = algorithm;
    all.push_back(started(asked, world.comm));
  }
  return all;
}

// More of a kind than may be under way, and rank 0 begins when the others have sent what they may:
// how far they have come it hears only by messages for calls that wait to begin.
void many_alike(const World& world) {
  for (const char* algorithm : {"star", "mesh"}) {
    int word = 0;
    for (int other = 1; world.rank == 0 && other < world.size; ++other) {
      must(motet_recv(&word, 1, motet_int32, other, world.comm, nullptr));
    }
    std::vector<OneCall> all = start_alike(world, algorithm);
    if (world.rank != 0) must(motet_send(&word, 1, motet_int32, 0, world.comm, nullptr));
    for (OneCall& call : all) wait_for(call);
  }
}

// Two requests whose messages interleave, driven by tests alone.
void tests_alone(const World& world) {
  for (const size_t count : {3, 70'000, 500'000}) {
    OneCall a = started(allreduce_of(count), world.comm);
    OneCall b = started({.collective = motet_collective_alltoall, .count = count}, world.comm);
    poll_for(b);
    poll_for(a);
    must(motet_progress(world.comm));
  }
}

// One rank is slow; the root may not run ahead without bound, and nothing may be lost.
void one_way(const World& world) {
  const int last = world.size - 1;
  for (int k = 0; k < 1000; ++k) {
    std::vector<float> data(64, static_cast<float>(world.rank == 0 ? k : -1));
    must(motet_broadcast(data.data(), data.data(), data.size(), motet_float32, 0, world.comm,
                         nullptr));
    must_be(data == std::vector<float>(64, static_cast<float>(k)), "broadcast");
  }
  for (int k = 0; k < 300 && world.size > 1; ++k) {
    const std::vector<float> data(static_cast<size_t>(37 * k), static_cast<float>(k));
    if (world.rank == 0) {
      must(motet_send(data.data(), data.size(), motet_float32, last, world.comm, nullptr));
    }
    if (world.rank != last) continue;
    std::vector<float> received(data.size());
    must(motet_recv(received.data(), received.size(), motet_float32, 0, world.comm, nullptr));
    must_be(received == data, "recv");
  }
}

// Everybody sends to the right before anybody receives from the left.
void exchange_around(const World& world) {
  if (world.size == 1) return;
  const int right = (world.rank + 1) % world.size;
  const int left = (world.rank + world.size - 1) % world.size;
  for (const size_t count : {0, 1, 1000, 20'000, 300'000, 7}) {
    const std::vector<float> out(count, static_cast<float>(world.rank));
    std::vector<float> in(count, -1);
    motet_request *sent = nullptr, *received = nullptr;
    motet_call call{};
    call.size = sizeof call;
    call.request = &sent;
    must(motet_send(out.data(), count, motet_float32, right, world.comm, &call));
    call.request = &received;
    must(motet_recv(in.data(), count, motet_float32, left, world.comm, &call));
    must(motet_wait(world.rank % 2 == 0 ? &sent : &received));
    must(motet_wait(world.rank % 2 == 0 ? &received : &sent));
    must_be(in == std::vector<float>(count, static_cast<float>(left)), "exchange");
  }
}

// Rank 0 takes what comes from whoever it comes from first; the others send as they like.
void whoever_comes_first(const World& world) {
  constexpr int messages = 40;
  constexpr auto size_of = [](int k) { return static_cast<size_t>(k % 5 == 0 ? 100'000 : 3 * k); };
  if (world.rank > 0) {
    for (int k = 0; k < messages; ++k) {
      const std::vector<float> data(size_of(k), static_cast<float>(100 * world.rank + k));
      must(motet_send(data.data(), data.size(), motet_float32, 0, world.comm, nullptr));
    }
    return;
  }
  std::vector<int> taken(static_cast<size_t>(world.size));
  int left = messages * (world.size - 1);
  const auto take_from = [&](int peer) {
    int arrived = 0;
    must(motet_probe(world.comm, peer, &arrived));
    if (arrived == 0) return;
    const int k = taken.at(static_cast<size_t>(peer))++;
    std::vector<float> data(size_of(k));
    must(motet_recv(data.data(), data.size(), motet_float32, peer, world.comm, nullptr));
    must_be(data == std::vector<float>(data.size(), static_cast<float>(100 * peer + k)), "recv");
    --left;
  };
  must_be(comes_true([&] {
            for (int peer = 1; peer < world.size; ++peer) take_from(peer);
            return left == 0;
          }),
          "all messages are found");
  for (int peer = 1; peer < world.size; ++peer) {
    int arrived = 1;
    must(motet_probe(world.comm, peer, &arrived));
    must_be(arrived == 0, "nobody has sent more");
  }
}

// Each is a part of the one before it.
void fifty_communicators(const World& world) {
  std::vector<motet_comm*> all;
  all.reserve(50);
  for (int i = 0; i < 50; ++i) all.push_back(split(all.empty() ? world.comm : all.back(), 0, 0));
  std::vector<OneCall> calls;
  calls.reserve(all.size());
  for (motet_comm* comm : all) calls.push_back(started(allreduce_of(100), comm));
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) wait_for(*call);
  for (motet_comm* comm : all) must(motet_comm_destroy(comm));
}

// The parent is destroyed before its part.
void part_outlives_parent(const World& world) {
  motet_comm* parent = split(world.comm, 0, 0);
  motet_comm* part = split(parent, world.rank % 2, world.rank);
  OneCall pending = started(allreduce_of(50'000), part);
  must(motet_comm_destroy(parent));
  wait_for(pending);
  must(motet_comm_destroy(part));
}

}  // namespace

const Scenarios& request_scenarios() {
  static const Scenarios all{{"opposite_order", opposite_order},
                             {"pending_while_splitting", pending_while_splitting},
                             {"thousand_requests", thousand_requests},
                             {"many_alike", many_alike},
                             {"tests_alone", tests_alone},
                             {"one_way", one_way},
                             {"exchange_around", exchange_around},
                             {"whoever_comes_first", whoever_comes_first},
                             {"fifty_communicators", fifty_communicators},
                             {"part_outlives_parent", part_outlives_parent}};
  return all;
}

}  // namespace motet::testing
