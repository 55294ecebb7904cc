// What the tests of sockets share.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "net/handshake.hpp"
#include "net/poller.hpp"
#include "net/socket.hpp"

namespace motet::testing {

inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

// A plain connection, as a stranger would make it.
inline Descriptor connect_to(const Address& address) {
  const SocketAddress to = parse_address(address);
  Descriptor socket = open_stream_socket(to.family());
  static_cast<void>(connect(socket.get(), to.get(), to.length));
  wait_for(socket.get(), POLLOUT, soon());
  return socket;
}

inline void say(const Descriptor& socket, std::span<const std::byte> bytes) {
  write_some(socket.get(), bytes);
}
inline void say(const Descriptor& socket, std::string_view text) {
  say(socket, std::as_bytes(std::span(text)));
}

// Drives a listener until `done`; what it accepts is appended. False: the deadline has passed.
inline bool drive(Listener& listener, std::vector<Connection>& accepted,
                  const std::function<bool()>& done) {
  const Deadline deadline = soon();
  while (true) {
    for (Connection& connection : listener.advance()) accepted.push_back(std::move(connection));
    if (done()) return true;
    if (deadline.passed()) return false;
    wait_for(listener.descriptor(), POLLIN, Deadline::after(std::chrono::milliseconds(5)));
  }
}

struct Pair {
  std::optional<Connection> dialled, accepted;
};

// Drives both ends until both have their connection or the deadline has passed.
inline Pair meet(Listener& listener, Dialler& dialler) {
  Pair pair;
  std::vector<Connection> accepted;
  drive(listener, accepted, [&] {
    if (!pair.dialled) pair.dialled = dialler.advance();
    return pair.dialled && !accepted.empty();
  });
  if (!accepted.empty()) pair.accepted = std::move(accepted.front());
  return pair;
}

}  // namespace motet::testing
