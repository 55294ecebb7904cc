// Several communicators of one process, each from a meeting of its own.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "board.hpp"
#include "calls.hpp"

namespace motet::testing {
namespace {

OneCall started(size_t count, motet_comm* comm) {
  OneCall call({.collective = motet_collective_allreduce, .count = count}, comm);
  must(call.start());
  return call;
}

// Separate meetings, one engine: waited for in opposite order.
void use_both(const World& world, motet_comm* other) {
  must_be(motet_comm_rank(other) == world.rank && motet_comm_size(other) == world.size, "ranks");
  for (const size_t count : {1, 1000, 200'000}) {
    OneCall a = started(count, world.comm), b = started(count, other);
    for (OneCall* call : {world.rank % 2 == 0 ? &a : &b, world.rank % 2 == 0 ? &b : &a}) {
      must(motet_wait(&call->request()));
      call->check();
    }
  }
  must(motet_comm_destroy(other));
}

void join_by_environment(const World& world) {
  for (int round = 0; round < 2; ++round) {
    motet_comm* other = nullptr;
    must(motet_comm_create(nullptr, &other));
    use_both(world, other);
  }
}

motet_config config_for(const World& world) {
  motet_config config{};
  config.size = sizeof config;
  config.rank = world.rank;
  config.world_size = world.size;
  return config;
}

void join_by_id(const World& world) {
  for (int round = 0; round < 2; ++round) {
    motet_unique_id id{};
    if (world.rank == 0) must(motet_unique_id_create(&id));
    must(motet_broadcast(id.bytes, id.bytes, sizeof id.bytes, motet_int8, 0, world.comm, nullptr));
    motet_config config = config_for(world);
    config.id = &id;
    motet_comm* other = nullptr;
    must(motet_comm_create(&config, &other));
    use_both(world, other);
  }
}

// A key is a file, as a framework without a server might have it.
class Files {
 public:
  explicit Files(std::string folder) : folder_(std::move(folder)) {}

  static int set(void* user, const char* key, const void* value, size_t bytes) {
    const std::string path = static_cast<Files*>(user)->path_of(key), draft = path + ".draft";
    std::ofstream(draft).write(static_cast<const char*>(value), static_cast<long>(bytes));
    return std::rename(draft.c_str(), path.c_str());
  }

  static int get(void* user, const char* key, void* value, size_t* bytes, int timeout_ms) {
    const std::string path = static_cast<Files*>(user)->path_of(key);
    if (!comes_true([&] { return std::filesystem::exists(path); }, timeout_ms)) return 1;
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    text.copy(static_cast<char*>(value), *bytes);
    *bytes = text.size();
    return 0;
  }

 private:
  std::string path_of(std::string key) const {
    for (char& letter : key) letter = letter == '/' ? '-' : letter;
    return folder_ + "/" + key;
  }

  std::string folder_;
};

motet_store store_of(Files& files) {
  motet_store store{};
  store.size = sizeof store;
  store.user = &files;
  store.set = Files::set;
  store.get = Files::get;
  return store;
}

void join_by_store(const World& world) {
  Files files(std::getenv("SCENARIO_FOLDER"));
  const motet_store store = store_of(files);
  const std::string secret(64, 'a');
  for (const char* given : {static_cast<const char*>(nullptr), secret.c_str()}) {
    motet_config config = config_for(world);
    config.store = &store;
    config.secret = given;
    motet_comm* other = nullptr;
    must(motet_comm_create(&config, &other));
    use_both(world, other);
  }
}

// Each two ranks meet twice over one store: no two ranks make the same communicators.
void join_in_pairs(const World& world) {
  Files files(std::getenv("SCENARIO_FOLDER"));
  for (int low = 0; low < world.size; ++low) {
    for (int high = low + 1; high < world.size; ++high) {
      if (world.rank != low && world.rank != high) continue;
      const std::string name = std::to_string(low) + "-" + std::to_string(high);
      for (int round = 0; round < 2; ++round) {
        motet_store store = store_of(files);
        store.name = name.c_str();
        motet_config config = config_for(world);
        config.store = &store;
        config.rank = world.rank == low ? 0 : 1;
        config.world_size = 2;
        motet_comm* pair = nullptr;
        must(motet_comm_create(&config, &pair));
        OneCall call = started(1000, pair);
        must(motet_wait(&call.request()));
        call.check();
        must(motet_comm_destroy(pair));
      }
    }
  }
}

// Two threads of a process are two ranks of another communicator.
void join_by_threads_too(const World& world) {
  motet_unique_id id{};
  if (world.rank == 0) must(motet_unique_id_create(&id));
  must(motet_broadcast(id.bytes, id.bytes, sizeof id.bytes, motet_int8, 0, world.comm, nullptr));
  std::string problem;
  const auto be = [&](int rank) {
    try {
      motet_config config = config_for(world);
      config.id = &id;
      config.rank = rank;
      config.world_size = 2 * world.size;
      motet_comm* comm = nullptr;
      must(motet_comm_create(&config, &comm));
      OneCall call({.collective = motet_collective_allreduce, .count = 50'000}, comm);
      must(call.run());
      call.check();
      must(motet_comm_destroy(comm));
    } catch (const std::exception& error) {
      std::printf("rank %d: %s\n", rank, error.what());
      std::fflush(stdout);
      std::exit(1);
    }
  };
  std::thread second([&] { be(world.size + world.rank); });
  be(world.rank);
  second.join();
}

}  // namespace

const Scenarios& joining_scenarios() {
  static const Scenarios all{{"join_by_environment", join_by_environment},
                             {"join_by_id", join_by_id},
                             {"join_by_store", join_by_store},
                             {"join_in_pairs", join_in_pairs},
                             {"join_by_threads_too", join_by_threads_too}};
  return all;
}

}  // namespace motet::testing
