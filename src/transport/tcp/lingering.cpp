#include "transport/tcp/lingering.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace motet::tcp {
namespace {

// Whether the peer's host has not acknowledged everything yet.
bool has_bytes_on_the_way(const Descriptor& socket) {
  int bytes = 0;
  return ::ioctl(socket.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

// False when nothing more will come.
bool drop_arrivals(const Descriptor& socket) {
  std::array<std::byte, 4096> dropped;
  ssize_t got = 0;
  do {
    got = ::recv(socket.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
  } while (got > 0);
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

bool Lingering::add(Descriptor socket) {
  if (!has_bytes_on_the_way(socket)) return false;
  if (::shutdown(socket.get(), SHUT_WR) != 0 || !drop_arrivals(socket)) return false;
  sockets_.push_back(std::move(socket));
  return true;
}

void Lingering::advance() {
  std::erase_if(sockets_, [](const Descriptor& socket) { return !drop_arrivals(socket); });
}

void Lingering::finish(const Deadline& deadline) {
  while (true) {
    std::erase_if(sockets_, [](const Descriptor& socket) {
      return !drop_arrivals(socket) || !has_bytes_on_the_way(socket);
    });
    if (sockets_.empty() || deadline.passed()) return;
    std::vector<pollfd> arrivals;
    for (const Descriptor& socket : sockets_) arrivals.push_back({socket.get(), POLLIN, 0});
    constexpr int look_again_ms = 1;  // an acknowledgement alone wakes nobody
    ::poll(arrivals.data(), arrivals.size(), look_again_ms);
  }
}

}  // namespace motet::tcp
