// Buffers that peers reach directly, and very large ones.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "calls.hpp"

namespace motet::testing {
namespace {

constexpr size_t most = size_t{2} << 20;  // elements: 8 MiB

float value(int rank, size_t i) {
  return static_cast<float>(rank + 1 + static_cast<int>(i % 13));
}

// Sums and gathers between two halves of the same memory.
void use(const World& world, float* memory) {
  float* const in = memory;
  float* const out = memory + most;
  const auto ranks = static_cast<size_t>(world.size);
  for (const size_t count : {size_t{2}, size_t{1000}, size_t{16'384}, size_t{50'001}, most}) {
    for (size_t i = 0; i < count; ++i) in[i] = value(world.rank, i);
    must(motet_allreduce(in, out, count, motet_float32, motet_sum, world.comm, nullptr));
    for (size_t i = 0; i < count; ++i) {
      float sum = 0;
      for (int rank = 0; rank < world.size; ++rank) sum += value(rank, i);
      if (out[i] != sum || in[i] != value(world.rank, i)) throw std::runtime_error("allreduce");
    }
    const size_t part = std::max(size_t{1}, count / ranks);
    must(motet_allgather(in, out, part, motet_float32, world.comm, nullptr));
    for (size_t i = 0; i < part * ranks && part * ranks <= most; ++i) {
      const float expected = value(static_cast<int>(i / part), i % part);
      if (out[i] != expected) throw std::runtime_error("allgather");
    }
    must(motet_allreduce(in, in, count, motet_float32, motet_max, world.comm, nullptr));
    for (size_t i = 0; i < count; ++i) {
      if (in[i] != value(world.size - 1, i)) throw std::runtime_error("allreduce in place");
    }
  }
}

void allocated_memory(const World& world) {
  for (int round = 0; round < 2; ++round) {  // addresses come again, other memory behind them
    void* memory = nullptr;
    must(motet_mem_alloc(world.comm, 2 * most * sizeof(float), &memory));
    must_be(std::all_of(static_cast<char*>(memory), static_cast<char*>(memory) + 4096,
                        [](char byte) { return byte == 0; }),
            "allocated memory is zero");
    use(world, static_cast<float*>(memory));
    must(motet_mem_free(world.comm, memory));
  }
}

// The user's own shared memory, from somewhere in the middle of it.
void registered_memory(const World& world) {
  constexpr off_t offset = 3 * 65536;
  constexpr size_t bytes = 2 * most * sizeof(float);
  const int memfd = memfd_create("users", MFD_CLOEXEC);
  must_be(memfd >= 0 && ftruncate(memfd, offset + static_cast<off_t>(bytes)) == 0, "memfd");
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, offset);
  must_be(memory != MAP_FAILED, "mmap");
  must_be(motet_mem_register(world.comm, memory, bytes, memfd, 0) == motet_invalid_argument,
          "another offset is refused");
  must(motet_mem_register(world.comm, memory, bytes, memfd, offset));
  close(memfd);
  use(world, static_cast<float*>(memory));
  must(motet_mem_deregister(world.comm, memory));
  std::vector<float> ordinary(2 * most);
  must(motet_mem_register(world.comm, ordinary.data(), bytes, -1, 0));
  use(world, ordinary.data());
  must(motet_mem_deregister(world.comm, ordinary.data()));
  use(world, static_cast<float*>(memory));
  munmap(memory, bytes);
}

// Some ranks' memory can be reached, that of others cannot.
void mixed_memory(const World& world) {
  void* shared = nullptr;
  must(motet_mem_alloc(world.comm, 2 * most * sizeof(float), &shared));
  std::vector<float> ordinary(2 * most);
  use(world, world.rank % 2 == 0 ? ordinary.data() : static_cast<float*>(shared));
  must(motet_mem_free(world.comm, shared));
}

// More than 2^31 elements, and more than 4 GiB.
void huge_messages(const World& world) {
  constexpr size_t count = (size_t{1} << 31) + 17;
  {
    std::vector<int8_t> data(count);
    for (size_t i = 0; i < count; ++i) data[i] = static_cast<int8_t>(i % 59 + world.rank);
    must(motet_allreduce(data.data(), data.data(), count, motet_int8, motet_sum, world.comm,
                         nullptr));
    const int ranks = world.size * (world.size - 1) / 2;
    for (size_t i = 0; i < count; ++i) {
      const auto expected = static_cast<int8_t>(world.size * static_cast<int>(i % 59) + ranks);
      if (data[i] != expected) throw std::runtime_error("allreduce at " + std::to_string(i));
    }
  }
  std::vector<uint16_t> data(count);
  for (size_t i = 0; i < count && world.rank == 1; ++i) data[i] = static_cast<uint16_t>(i % 65521);
  must(motet_broadcast(data.data(), data.data(), count, motet_uint16, 1, world.comm, nullptr));
  for (size_t i = 0; i < count; ++i) {
    if (data[i] != i % 65521) throw std::runtime_error("broadcast at " + std::to_string(i));
  }
}

}  // namespace

const Scenarios& memory_scenarios() {
  static const Scenarios all{{"allocated_memory", allocated_memory},
                             {"registered_memory", registered_memory},
                             {"mixed_memory", mixed_memory},
                             {"huge_messages", huge_messages}};
  return all;
}

}  // namespace motet::testing
