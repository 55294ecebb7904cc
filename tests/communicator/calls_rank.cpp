// One rank that makes many calls and checks every result: calls_rank SCENARIO. Exits with 0 if all
// were right, and says what was wrong otherwise.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "motet/motet.h"

namespace {

motet_comm* world = nullptr;
int me = 0;
int n = 0;

using Floats = std::vector<float>;

void must(motet_status status) {
  if (status != motet_ok) throw std::runtime_error(motet_last_error());
}
void must_be(bool fact, const std::string& what) {
  if (!fact) throw std::runtime_error(what);
}

// What rank r contributes at position i: small integers, so that sums are exact in every order.
float value(int rank, size_t i) {
  return static_cast<float>((rank + 1) * 3 + static_cast<int>(i % 11));
}
Floats contribution(int rank, size_t count, size_t from = 0) {
  Floats data(count);
  for (size_t i = 0; i < count; ++i) data[i] = value(rank, from + i);
  return data;
}
Floats total(int ranks, size_t count) {
  Floats data(count);
  for (int rank = 0; rank < ranks; ++rank) {
    for (size_t i = 0; i < count; ++i) data[i] += value(rank, i);
  }
  return data;
}

motet_call with(const char* algorithm, motet_request** request = nullptr) {
  motet_call call{};
  call.size = sizeof call;
  call.algorithm = algorithm;
  call.request = request;
  return call;
}

const std::vector<size_t> counts{0, 1, 2, 7, 10, 1000, 4097, 40'000, 150'001};

void every_allreduce() {
  for (const char* algorithm : {static_cast<const char*>(nullptr), "mesh", "star", "two_shot",
                                "recursive_doubling", "halving_doubling", "ring", "circulant"}) {
    const motet_call call = with(algorithm);
    for (const size_t count : counts) {
      const Floats in = contribution(me, count);
      Floats out(count);
      must(motet_allreduce(in.data(), out.data(), count, motet_float32, motet_sum, world, &call));
      must_be(out == total(n, count) && in == contribution(me, count), "allreduce");
      Floats both = in;
      must(
          motet_allreduce(both.data(), both.data(), count, motet_float32, motet_sum, world, &call));
      must_be(both == out, "allreduce in place");
    }
  }
}

void allgather_and_alltoall(size_t count) {
  const size_t all = count * static_cast<size_t>(n);
  const Floats mine = contribution(me, count);
  Floats gathered(all), expected;
  must(motet_allgather(mine.data(), gathered.data(), count, motet_float32, world, nullptr));
  for (int rank = 0; rank < n; ++rank) {
    const Floats theirs = contribution(rank, count);
    expected.insert(expected.end(), theirs.begin(), theirs.end());
  }
  must_be(gathered == expected, "allgather");
  Floats parts(all), swapped(all);
  for (int to = 0; to < n; ++to) {
    std::fill_n(parts.begin() + static_cast<long>(count) * to, count,
                static_cast<float>(100 * me + to));
  }
  must(motet_alltoall(parts.data(), swapped.data(), count, motet_float32, world, nullptr));
  for (size_t i = 0; i < all; ++i) {
    const auto from = static_cast<int>(i / count);
    must_be(swapped[i] == static_cast<float>(100 * from + me), "alltoall");
  }
  must(motet_alltoall(parts.data(), parts.data(), count, motet_float32, world, nullptr));
  must_be(parts == swapped, "alltoall in place");
}

void reductions(size_t count) {
  const size_t all = count * static_cast<size_t>(n);
  const Floats in = contribution(me, all), sum = total(n, all);
  Floats part(count);
  must(motet_reduce_scatter(in.data(), part.data(), count, motet_float32, motet_sum, world,
                            nullptr));
  must_be(std::equal(part.begin(), part.end(), sum.begin() + static_cast<long>(count) * me),
          "reduce_scatter");
  for (int root = 0; root < n; ++root) {
    Floats out(all);
    must(motet_reduce(in.data(), out.data(), all, motet_float32, motet_sum, root, world, nullptr));
    must_be(me != root || out == sum, "reduce");
  }
  Floats mean(all);
  must(motet_allreduce(in.data(), mean.data(), all, motet_float32, motet_avg, world, nullptr));
  for (size_t i = 0; i < all; ++i) must_be(mean[i] == sum[i] / static_cast<float>(n), "avg");
}

void rooted(size_t count) {
  const size_t all = count * static_cast<size_t>(n);
  for (int root = 0; root < n; ++root) {
    Floats data = me == root ? contribution(root, count) : Floats(count);
    must(motet_broadcast(data.data(), data.data(), count, motet_float32, root, world, nullptr));
    must_be(data == contribution(root, count), "broadcast");
    const Floats whole = contribution(root, all);
    Floats mine(count), back(me == root ? all : 0);
    must(motet_scatter(whole.data(), mine.data(), count, motet_float32, root, world, nullptr));
    must_be(mine == contribution(root, count, count * static_cast<size_t>(me)), "scatter");
    must(motet_gather(mine.data(), back.data(), count, motet_float32, root, world, nullptr));
    must_be(me != root || back == whole, "gather");
  }
}

void every_collective() {
  for (const size_t count : {size_t{1}, size_t{5}, size_t{1000}, size_t{30'001}}) {
    allgather_and_alltoall(count);
    reductions(count);
    rooted(count);
    must(motet_barrier(world, nullptr));
  }
}

motet_comm* split(motet_comm* comm, int color, int key) {
  motet_comm* part = nullptr;
  must(motet_comm_split(comm, color, key, &part));
  return part;
}

struct Pending {
  Floats in, out;
  motet_request* request = nullptr;
  Pending(size_t count, motet_comm* comm)
      : in(contribution(motet_comm_rank(comm), count)), out(count) {
    const motet_call call = with(nullptr, &request);
    must(motet_allreduce(in.data(), out.data(), count, motet_float32, motet_sum, comm, &call));
  }
  void finish(int ranks) {
    must(motet_wait(&request));
    must_be(out == total(ranks, out.size()), "a request's result");
  }
};

void opposite_order() {
  motet_comm* second = split(world, 0, 0);
  for (const size_t count :
       {size_t{1}, size_t{10}, size_t{5000}, size_t{100'000}, size_t{1}, size_t{300'000}}) {
    Pending a(count, world), b(count, second);
    Pending& first_waited = me % 2 == 0 ? a : b;
    Pending& then = me % 2 == 0 ? b : a;
    first_waited.finish(n);
    then.finish(n);
  }
  must(motet_comm_destroy(second));
}

void pending_while_splitting() {
  Pending outstanding(200'000, world), small(3, world);
  for (int round = 0; round < 5; ++round) {
    motet_comm* part = split(world, me % 2, -me);
    must_be(motet_comm_rank(part) == (n - 1 - me) / 2, "ranks are ordered by key");
    Pending(1000, part).finish(motet_comm_size(part));
    must(motet_comm_destroy(part));
  }
  motet_comm* none = split(world, -1, 0);
  must_be(none == nullptr, "a negative colour joins none");
  small.finish(n);
  outstanding.finish(n);
}

void thousand_requests() {
  std::vector<Pending> all;
  all.reserve(1000);
  for (size_t i = 0; i < 1000; ++i) all.emplace_back(1 + i % 300, world);
  std::shuffle(all.begin(), all.end(), std::mt19937(static_cast<unsigned>(me)));
  for (Pending& pending : all) pending.finish(n);
}

// Rank n - 1 is slow; the root may not run ahead without bound, and nothing may be lost.
void one_way() {
  for (int k = 0; k < 1000; ++k) {
    Floats data(64, static_cast<float>(me == 0 ? k : -1));
    must(motet_broadcast(data.data(), data.data(), data.size(), motet_float32, 0, world, nullptr));
    must_be(data == Floats(64, static_cast<float>(k)), "broadcast");
  }
  if (n == 1) return;
  for (int k = 0; k < 300; ++k) {
    Floats data(static_cast<size_t>(1 + 37 * k), static_cast<float>(k));
    if (me == 0) must(motet_send(data.data(), data.size(), motet_float32, n - 1, world, nullptr));
    if (me != n - 1) continue;
    Floats received(data.size());
    must(motet_recv(received.data(), received.size(), motet_float32, 0, world, nullptr));
    must_be(received == data, "recv");
  }
  must(motet_barrier(world, nullptr));
}

void fifty_communicators() {
  std::vector<motet_comm*> all;
  for (int i = 0; i < 50; ++i) all.push_back(split(all.empty() ? world : all.back(), 0, 0));
  for (motet_comm* comm : all) Pending(100, comm).finish(n);
  for (motet_comm* comm : all) must(motet_comm_destroy(comm));
}

void mapped_memory() {
  void* memory = nullptr;
  constexpr size_t most = 500'000;
  must(motet_mem_alloc(world, 2 * most * sizeof(float), &memory));
  auto* in = static_cast<float*>(memory);
  float* out = in + most;
  for (const size_t count : {size_t{2}, size_t{1000}, size_t{50'000}, most}) {
    const Floats mine = contribution(me, count), sum = total(n, count);
    std::copy(mine.begin(), mine.end(), in);
    must(motet_allreduce(in, out, count, motet_float32, motet_sum, world, nullptr));
    must_be(std::equal(sum.begin(), sum.end(), out), "allreduce of mapped memory");
    must(motet_allreduce(in, in, count, motet_float32, motet_sum, world, nullptr));
    must_be(std::equal(sum.begin(), sum.end(), in), "allreduce of mapped memory in place");
  }
  must(motet_mem_free(world, memory));
}

// A second bootstrap in the same process, then a third after the second is gone.
void twice() {
  for (int round = 0; round < 2; ++round) {
    motet_comm* other = nullptr;
    must(motet_comm_create(nullptr, &other));
    Pending a(1000, world), b(1000, other);
    (me % 2 == 0 ? a : b).finish(n);
    (me % 2 == 0 ? b : a).finish(n);
    must(motet_comm_destroy(other));
  }
}

const std::map<std::string, std::function<void()>> scenarios{
    {"every_allreduce", every_allreduce},
    {"every_collective", every_collective},
    {"opposite_order", opposite_order},
    {"pending_while_splitting", pending_while_splitting},
    {"thousand_requests", thousand_requests},
    {"one_way", one_way},
    {"fifty_communicators", fifty_communicators},
    {"mapped_memory", mapped_memory},
    {"twice", twice},
};

}  // namespace

int main(int argc, char** argv) try {
  must(motet_comm_create(nullptr, &world));
  me = motet_comm_rank(world);
  n = motet_comm_size(world);
  scenarios.at(argc > 1 ? argv[1] : "")();
  must(motet_barrier(world, nullptr));
  must(motet_comm_destroy(world));
  return 0;
} catch (const std::exception& error) {
  std::printf("rank %d: %s\n", me, error.what());
  return 1;
}
