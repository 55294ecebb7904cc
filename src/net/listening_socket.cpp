#include "net/listening_socket.hpp"

#include <fmt/core.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "net/socket.hpp"

namespace motet {
namespace {

constexpr int backlog = 4096;  // all ranks may dial at once; the kernel caps it

// False: see errno.
bool start(int fd, const SocketAddress& address) {
  const int on = 1;
  // The port of a job that has just ended can be used at once.
  if (address.family() != AF_UNIX) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind(fd, address.get(), address.length) == 0 && listen(fd, backlog) == 0;
}

// One socket for IPv6 and IPv4; empty where the machine has no IPv6.
Descriptor listen_on_both(int port) {
  Descriptor socket = open_stream_socket(AF_INET6);
  if (!socket) return {};
  const int off = 0;
  setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const SocketAddress any = any_address(AF_INET6, port);
  return start(socket.get(), any) ? std::move(socket) : Descriptor();
}

Descriptor listen_on_ip4(int port) {
  Descriptor socket = open_stream_socket(AF_INET);
  if (!socket || !start(socket.get(), any_address(AF_INET, port))) return {};
  return socket;
}

// Empty: see errno.
Descriptor listen_on(int port) {
  Descriptor socket = listen_on_both(port);
  // Also when the port was taken: the second failure names the reason.
  return socket ? std::move(socket) : listen_on_ip4(port);
}

// Ranks of one host begin at different ports, so that they seldom try one another's.
Descriptor listen_within(const PortRange& ports) {
  const int shift = getpid() % ports.count();
  for (int i = 0; i < ports.count(); ++i) {
    const int port = ports.first + (shift + i) % ports.count();
    if (Descriptor socket = listen_on(port)) return socket;
    if (errno != EADDRINUSE)
      throw system_error(fmt::format("listening on TCP port {}", port), errno);
  }
  if (ports.any()) throw system_error("listening on TCP: no port is free", EADDRINUSE);
  throw Error(ErrorCode::system,
              ports.count() == 1
                  ? fmt::format("listening on TCP: port {} is in use", ports.first)
                  : fmt::format("listening on TCP: each of the {} ports {} is in use",
                                ports.count(), ports.to_text()));
}

}  // namespace

ListeningSocket listen_on_tcp(const ListenOn& where) {
  Descriptor socket = listen_within(where.ports);
  SocketAddress bound;
  bound.length = sizeof bound.storage;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.length) != 0) {
    throw system_error("getsockname", errno);
  }
  std::vector<Address> addresses = local_addresses(port_of(bound), where.interfaces);
  if (addresses.empty()) {
    throw Error(ErrorCode::unavailable,
                "listening on TCP: no network interface is up, not even loopback");
  }
  return {std::move(socket), std::move(addresses)};
}

ListeningSocket listen_on_name(const std::string& name) {
  const Address address = "unix:" + name;
  Descriptor socket = open_stream_socket(AF_UNIX);
  if (!socket || !start(socket.get(), parse_address(address))) {
    throw system_error("listening on " + address, errno);
  }
  return {std::move(socket), {address}};
}

}  // namespace motet
