// oneCCL on the host, measured as peer.h says. RANK, WORLD_SIZE and PEER_STORE (an empty folder
// that all ranks share) come from the environment.
#include <oneapi/ccl.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "peer.h"

namespace {

// peer.h's functions take no context of their own: a process is one rank.
std::unique_ptr<ccl::communicator> world;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

// Rank 0 writes the address under another name first, so that nobody reads half of it.
ccl::shared_ptr_class<ccl::kvs> meet_at(const std::filesystem::path& folder, int rank) {
  const std::filesystem::path file = folder / "address";
  if (rank == 0) {
    auto store = ccl::create_main_kvs();
    const auto address = store->get_address();
    std::ofstream(folder / "writing").write(address.data(), address.size());
    std::filesystem::rename(folder / "writing", file);
    return store;
  }
  // Whoever started the ranks ends them if this takes too long.
  while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ccl::kvs::address_type address;
  std::ifstream(file).read(address.data(), address.size());
  return ccl::create_kvs(address);
}

void barrier_of_all() {
  ccl::barrier(*world).wait();
}

void invoke(const call* call) {
  constexpr auto type = ccl::datatype::float32;
  const auto ranks = static_cast<std::size_t>(world->size());
  switch (call->collective) {
    case allreduce:
      ccl::allreduce(call->in, call->out, call->count, type, ccl::reduction::sum, *world).wait();
      break;
    case allgather:
      ccl::allgatherv(call->in, call->count, call->out,
                      std::vector<std::size_t>(ranks, call->count), type, *world)
          .wait();
      break;
    case broadcast:
      ccl::broadcast(call->out, call->count, type, 0, *world).wait();
      break;
    case reduce_scatter:
      ccl::reduce_scatter(call->in, call->out, call->count, type, ccl::reduction::sum, *world)
          .wait();
      break;
    case alltoall:
      ccl::alltoall(call->in, call->out, call->count, type, *world).wait();
      break;
    case barrier:
      barrier_of_all();
      break;
  }
}

void largest(double* values, std::size_t count) {
  ccl::allreduce(values, values, count, ccl::datatype::float64, ccl::reduction::max, *world).wait();
}

int offers(collective) {
  return 1;
}

int in_place(collective collective) {
  return collective == broadcast;
}

void prepare(const call*) {}

int run(int argc, char** argv) {
  const library library{.rank = std::stoi(from_environment("RANK")),
                        .ranks = std::stoi(from_environment("WORLD_SIZE")),
                        .offers = offers,
                        .in_place = in_place,
                        .prepare = prepare,
                        .invoke = invoke,
                        .barrier = barrier_of_all,
                        .largest = largest};
  ccl::init();
  const auto store = meet_at(from_environment("PEER_STORE"), library.rank);
  world = std::make_unique<ccl::communicator>(
      ccl::create_communicator(library.ranks, library.rank, store));
  const int status = measure_peer(argc, argv, &library);
  world.reset();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_oneccl: %s\n", error.what());
    return 2;
  }
}
