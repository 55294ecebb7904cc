// motet-instructions CALLS BYTES [plan]: a rank's small allreduces, or runs of a plan of one, whose
// peer has always sent already, so that callgrind counts the path and no waiting. Both ranks belong
// to the main thread. See count.sh.
#include <cstdlib>
#include <iostream>
#include <motet/motet.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

motet::Communicator create(const motet_unique_id& id, int rank) {
  motet_config config{};
  config.size = sizeof config;
  config.id = &id;
  config.rank = rank;
  config.world_size = 2;
  return motet::Communicator::create(&config);
}

}  // namespace

// What callgrind counts, one or the other.
extern "C" [[gnu::noinline]] int measured_plan(motet_plan* plan) {
  return motet_plan_run(plan);
}
extern "C" [[gnu::noinline]] int measured_call(const float* in, float* out, std::size_t count,
                                               motet_comm* comm) {
  return motet_allreduce(in, out, count, motet_float32, motet_sum, comm, nullptr);
}

int main(int argc, char** argv) {
  const bool planned = argc == 4 && std::string(argv[3]) == "plan";
  if (argc != 3 && !planned) {
    std::cerr << "usage: motet-instructions CALLS BYTES [plan]\n";
    return 2;
  }
  const int calls = std::atoi(argv[1]);
  const std::size_t count = std::stoul(argv[2]) / sizeof(float);
  motet_unique_id id{};
  if (motet_unique_id_create(&id) != motet_ok) return 1;
  std::optional<motet::Communicator> first, second;
  std::thread other([&] { second.emplace(create(id, 1)); });
  first.emplace(create(id, 0));
  other.join();
  std::vector<float> in(count, 1), out(count), peer_in(count, 1), peer_out(count);
  motet_plan* plan = nullptr;
  motet_call binding{};
  binding.size = sizeof binding;
  binding.plan = &plan;
  motet::check(motet_allreduce(in.data(), out.data(), count, motet_float32, motet_sum,
                               first->handle(), &binding));
  for (int i = 0; i < calls; ++i) {
    motet_request* request = nullptr;
    motet_call call{};
    call.size = sizeof call;
    call.request = &request;
    const bool failed =
        motet_allreduce(peer_in.data(), peer_out.data(), count, motet_float32, motet_sum,
                        second->handle(), &call) != motet_ok ||
        (planned ? measured_plan(plan)
                 : measured_call(in.data(), out.data(), count, first->handle())) != motet_ok ||
        motet_wait(&request) != motet_ok;
    if (failed || out != peer_out || (count > 0 && out.back() != 2)) {
      std::cerr << "call " << i << ": " << (failed ? motet_last_error() : "wrong result") << "\n";
      return 1;
    }
  }
  return motet_plan_free(plan);
}
