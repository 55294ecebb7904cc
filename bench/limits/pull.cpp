#include "pull.hpp"

#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace motet_limits {

// A read may stop at any page, so it goes on until all is there.
void pull_from(pid_t peer, float* to, const float* from, std::size_t count) {
  auto* into = reinterpret_cast<char*>(to);
  auto* source = reinterpret_cast<char*>(const_cast<float*>(from));
  for (std::size_t left = count * sizeof(float); left > 0;) {
    const iovec local{into, left};
    const iovec remote{source, left};
    const ssize_t got = process_vm_readv(peer, &local, 1, &remote, 1, 0);
    if (got <= 0) throw std::system_error(errno, std::generic_category(), "process_vm_readv");
    into += got;
    source += got;
    left -= static_cast<std::size_t>(got);
  }
}

std::string refusal_of_pulls(Pair& pair) {
  static const float probe = 1;
  float got = 0;
  int refused = 0;
  try {
    pull_from(pair.peer_pid(), &got, &probe, 1);  // one program: the same address in both
  } catch (const std::system_error& error) {
    refused = error.code().value();
  }
  const int worse = static_cast<int>(pair.larger(refused));
  return worse == 0 ? "" : std::strerror(worse);
}

}  // namespace motet_limits
