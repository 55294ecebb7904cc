#include "transport/shm/peer_process.hpp"

#include <sys/uio.h>

#include <cerrno>
#include <system_error>

namespace motet::shm {

PeerProcess::PeerProcess(int process, const Specimen& specimen)
    : process_(process), specimen_(specimen) {
  if (process_ != 0) {
    probe();
  } else {
    refusal_ = "its process cannot be seen";
  }
}

void PeerProcess::probe() {
  MemoryNonce seen{};
  readable_ = false;
  if (specimen_.address == 0) {
    refusal_ = "it does not want to be read";
  } else if (!copy(specimen_.address, seen.data(), seen.size())) {
    refusal_ = std::generic_category().message(errno);
  } else if (seen != specimen_.nonce) {
    refusal_ = "its number belongs to another process";
  } else {
    readable_ = true;
  }
}

bool PeerProcess::read(std::uint64_t address, void* to, std::size_t bytes) {
  if (!readable_) return false;
  if (copy(address, to, bytes)) return true;
  probe();
  return false;
}

// One call may stop at any page, so it goes on until all is there.
bool PeerProcess::copy(std::uint64_t address, void* to, std::size_t bytes) {
  auto* into = static_cast<std::byte*>(to);
  while (bytes > 0) {
    const iovec local{.iov_base = into, .iov_len = bytes};
    // An address of the other process: it is never followed here.
    const iovec remote{.iov_base = reinterpret_cast<void*>(address),  // NOLINT
                       .iov_len = bytes};
    const ssize_t got = process_vm_readv(process_, &local, 1, &remote, 1, 0);
    if (got <= 0) return false;
    into += got;
    address += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace motet::shm
