// The few socket calls Motet makes: everything is non-blocking and closes on exec.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "net/address.hpp"
#include "net/descriptor.hpp"

namespace motet {

// After so long a host that acknowledges nothing has vanished.
inline constexpr std::chrono::seconds longest_silence(15);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Numeric addresses and Unix names only. Throws Error{invalid_argument}.
SocketAddress parse_address(const Address& text);
SocketAddress any_address(int family, int port);  // AF_INET or AF_INET6: all interfaces
int port_of(const SocketAddress& address);

// Empty if it cannot be had: see errno. Tuned.
Descriptor open_stream_socket(int family);
// TCP sockets send at once (no Nagle), and notice in about 15 s that the peer's host has vanished.
// For sockets that were accepted.
void tune_stream_socket(int fd, int family) noexcept;

// Of the other end of a connection: "10.0.0.7", "fe80::1%eth0"; "" if it cannot be told.
std::string peer_host(int fd);

// For connections whose buffers never fill: notices that also while bytes are under way to it.
// Elsewhere it would end a connection whose peer merely makes no calls, or is stopped.
void limit_silence(int fd) noexcept;

// Whether bytes under way have been sent again and again for about 15 s and the peer's host has not
// acknowledged any. Not so when a peer is merely stopped: its host acknowledges.
bool peer_is_silent(int fd) noexcept;

// Whether a Unix socket's peer runs as this process's user.
bool peer_is_same_user(int fd) noexcept;

// What a non-blocking read or write came to.
struct Moved {
  std::size_t bytes = 0;
  bool closed = false;  // by the peer, in order
  int error = 0;        // errno; 0 also for "nothing now"

  bool broken() const { return closed || error != 0; }
  std::string why() const;  // "Connection reset by peer"
};
Moved read_some(int fd, std::span<std::byte> into) noexcept;
Moved write_some(int fd, std::span<const std::byte> from) noexcept;

}  // namespace motet
