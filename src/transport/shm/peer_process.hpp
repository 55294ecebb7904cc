// The ordinary memory of another process, read by system calls (process_vm_readv): one copy where
// slots need two. Whether the system allows it (Yama, seccomp, namespaces) is found out by reading
// back a random nonce.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace motet::shm {

using MemoryNonce = std::array<unsigned char, 16>;

// What a process lets its peers try on.
struct Specimen {
  std::uint64_t address = 0;  // of the nonce, in that process; 0: it may not be read
  MemoryNonce nonce{};
};

class PeerProcess {
 public:
  PeerProcess() = default;  // cannot be read
  // Tries. `process` as this process sees it; 0: it does not.
  PeerProcess(int process, const Specimen& specimen);

  bool readable() const { return readable_; }
  // Why not: "Operation not permitted".
  const std::string& refusal() const { return refusal_; }
  // Copies `bytes` from that address there. False: not all could be read; the process is tried
  // again, so that a later one of the same number is not taken for it.
  bool read(std::uint64_t address, void* to, std::size_t bytes);

 private:
  bool copy(std::uint64_t address, void* to, std::size_t bytes);
  void probe();

  int process_ = 0;
  Specimen specimen_;
  bool readable_ = false;
  std::string refusal_ = "not tried";
};

}  // namespace motet::shm
