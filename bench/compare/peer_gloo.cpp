// Gloo over TCP, measured as peer.h says: its algorithms on synchronous pairs, which poll busily
// where every rank has a core. RANK, WORLD_SIZE and PEER_STORE (an empty folder that all ranks
// share) come from the environment. Gloo's fastest algorithms work in place.
#include <gloo/allgather_ring.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/barrier_all_to_all.h>
#include <gloo/broadcast_one_to_all.h>
#include <gloo/reduce_scatter.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "peer.h"

namespace {

using Context = std::shared_ptr<gloo::rendezvous::Context>;

// peer.h's functions take no context of their own: a process is one rank.
Context context;
std::unique_ptr<gloo::Algorithm> prepared, meeting;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

Context connect(int rank, int ranks) {
  gloo::transport::tcp::attr attributes("127.0.0.1");
  auto device = gloo::transport::tcp::CreateDevice(attributes);
  gloo::rendezvous::FileStore store(from_environment("PEER_STORE"));
  auto result = std::make_shared<gloo::rendezvous::Context>(rank, ranks);
  result->connectFullMesh(store, device);
  const bool poll_busily = static_cast<unsigned>(ranks) <= std::thread::hardware_concurrency();
  for (int peer = 0; peer < ranks; ++peer)
    if (peer != rank) result->getPair(peer)->setSync(true, poll_busily);
  return result;
}

std::unique_ptr<gloo::Algorithm> make(const call& call) {
  const std::vector<float*> data{call.out};
  const int count = static_cast<int>(call.count);
  const auto ranks = static_cast<std::size_t>(context->size);
  switch (call.collective) {
    case allreduce:
      return std::make_unique<gloo::AllreduceHalvingDoubling<float>>(context, data, count);
    case reduce_scatter:
      return std::make_unique<gloo::ReduceScatterHalvingDoubling<float>>(
          context, data, count * context->size, std::vector<int>(ranks, count));
    case allgather:
      return std::make_unique<gloo::AllgatherRing<float>>(
          context, std::vector<const float*>{call.in}, call.out, count);
    case broadcast:
      return std::make_unique<gloo::BroadcastOneToAll<float>>(context, data, call.count);
    default:
      return std::make_unique<gloo::BarrierAllToAll>(context);
  }
}

// Its alltoall exists only on pairs that are not synchronous.
int offers(collective collective) {
  return collective != alltoall;
}

int in_place(collective collective) {
  return collective != allgather;
}

void prepare(const call* call) {
  prepared = make(*call);
}

void invoke(const call*) {
  prepared->run();
}

void meet() {
  meeting->run();
}

void largest(double* values, std::size_t count) {
  gloo::AllreduceHalvingDoubling<double>(context, {values}, static_cast<int>(count),
                                         gloo::ReductionFunction<double>::max)
      .run();
}

int run(int argc, char** argv) {
  const library library{.rank = std::stoi(from_environment("RANK")),
                        .ranks = std::stoi(from_environment("WORLD_SIZE")),
                        .offers = offers,
                        .in_place = in_place,
                        .prepare = prepare,
                        .invoke = invoke,
                        .barrier = meet,
                        .largest = largest};
  context = connect(library.rank, library.ranks);
  meeting = std::make_unique<gloo::BarrierAllToAll>(context);
  const int status = measure_peer(argc, argv, &library);
  meeting->run();
  prepared.reset();
  meeting.reset();
  context.reset();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_gloo: %s\n", error.what());
    return 2;
  }
}
