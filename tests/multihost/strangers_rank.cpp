// One rank that tries to read every other's memory past the library: strangers_rank. Prints whose
// it can read. Ranks of one host can (as root they may), those of different hosts must not.
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "calls.hpp"

namespace motet::testing {
namespace {

struct Whereabouts {
  std::int64_t process = 0;
  std::uint64_t address = 0, nonce = 0;
};

bool can_read(const Whereabouts& other) {
  std::uint64_t read = 0;
  const iovec here{&read, sizeof read};
  const iovec there{reinterpret_cast<void*>(other.address), sizeof read};
  const auto got = process_vm_readv(static_cast<pid_t>(other.process), &here, 1, &there, 1, 0);
  return got == sizeof read && read == other.nonce;
}

void look_around(motet_comm* comm) {
  std::random_device random;
  const std::uint64_t nonce = (std::uint64_t{random()} << 32U) | random();
  const Whereabouts mine{getpid(), reinterpret_cast<std::uint64_t>(&nonce), nonce};
  std::vector<Whereabouts> all(static_cast<size_t>(motet_comm_size(comm)));
  must(motet_allgather(&mine, all.data(), sizeof mine, motet_uint8, comm, nullptr));
  for (const Whereabouts& other : all) std::printf(can_read(other) ? "1" : "0");
  std::printf("\n");
  must(motet_barrier(comm, nullptr));  // the nonces stay until all have looked
}

}  // namespace
}  // namespace motet::testing

int main() {
  using namespace motet::testing;
  motet_comm* comm = nullptr;
  try {
    must(motet_comm_create(nullptr, &comm));
    look_around(comm);
    must(motet_comm_destroy(comm));
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
