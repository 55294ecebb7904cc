// Gloo over TCP, measured as peer.h says: its algorithms on synchronous pairs, which poll busily
// where every rank has a core; for large messages on others. RANK, WORLD_SIZE and PEER_STORE (an
// empty folder that all ranks share) come from the environment. Gloo's fastest algorithms work in
// place.
#include <gloo/allgather_ring.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/barrier_all_to_all.h>
#include <gloo/broadcast_one_to_all.h>
#include <gloo/reduce_scatter.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/rendezvous/prefix_store.h>
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

// Two ranks that send each other more than their sockets hold wait for each other for good if they
// read only afterwards, as synchronous pairs do. Of this much, half goes either way at once, and
// Linux's sockets hold up to 4 MiB on the sending and 6 MiB on the receiving side.
constexpr std::size_t most_synchronous_bytes = std::size_t{16} << 20;

// peer.h's functions take no context of their own: a process is one rank.
Context synchronous, asynchronous;
std::unique_ptr<gloo::Algorithm> prepared, meeting;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

Context connect(int rank, int ranks, const char* name) {
  gloo::transport::tcp::attr attributes("127.0.0.1");
  if (const char* interface = std::getenv("PEER_INTERFACE"); interface != nullptr) {
    attributes = gloo::transport::tcp::attr();
    attributes.iface = interface;
  }
  auto device = gloo::transport::tcp::CreateDevice(attributes);
  gloo::rendezvous::FileStore files(from_environment("PEER_STORE"));
  gloo::rendezvous::PrefixStore store(name, files);
  auto result = std::make_shared<gloo::rendezvous::Context>(rank, ranks);
  result->connectFullMesh(store, device);
  return result;
}

void make_synchronous(const Context& context) {
  const bool poll_busily =
      static_cast<unsigned>(context->size) <= std::thread::hardware_concurrency();
  for (int peer = 0; peer < context->size; ++peer)
    if (peer != context->rank) context->getPair(peer)->setSync(true, poll_busily);
}

std::unique_ptr<gloo::Algorithm> make(const call& call) {
  const std::vector<float*> data{call.out};
  const int count = static_cast<int>(call.count);
  const auto ranks = static_cast<std::size_t>(synchronous->size);
  const bool parts = call.collective == allgather || call.collective == reduce_scatter;
  const std::size_t bytes = call.count * sizeof(float) * (parts ? ranks : 1);
  const Context& context = bytes <= most_synchronous_bytes ? synchronous : asynchronous;
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
  gloo::AllreduceHalvingDoubling<double>(asynchronous, {values}, static_cast<int>(count),
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
  synchronous = connect(library.rank, library.ranks, "synchronous");
  make_synchronous(synchronous);
  asynchronous = connect(library.rank, library.ranks, "asynchronous");
  meeting = std::make_unique<gloo::BarrierAllToAll>(synchronous);
  const int status = measure_peer(argc, argv, &library);
  meeting->run();
  prepared.reset();
  meeting.reset();
  asynchronous.reset();
  synchronous.reset();
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
