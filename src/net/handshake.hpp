// Connections both of whose ends have proved that they know the job's secret.
//
// K = Credentials::key. The dialler sends hello{purpose, job, from, to, nonce}, the acceptor
// answers with its nonce and MAC_K("acceptor" | purpose | job | from | to | both nonces), the
// dialler with the MAC for "dialler"; compared in constant time, and the acceptor with one byte of
// welcome. Before that: at most 256 bytes, 5 s from accept, 64 pending per listener. Whoever fails
// is dropped and counted. It authenticates; it does not encrypt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "net/address.hpp"
#include "net/credentials.hpp"
#include "net/descriptor.hpp"
#include "net/listening_socket.hpp"

namespace motet {

// What a connection is for; part of what is authenticated.
enum class Purpose : std::uint8_t { store = 1, health, tcp, shm, fabric };

// A stream socket, non-blocking, authenticated.
struct Connection {
  Descriptor socket;
  Purpose purpose{};
  Identity job;
  Identity peer;  // who is at the other end
  bool dialled = false;
};

// Dials all addresses of a peer at once. The first where somebody proves to be the peer wins; only
// there does the dialler prove itself, so the acceptor hands out one connection and not also the
// losers.
class Dialler {
 public:
  struct Target {
    std::vector<Address> addresses;
    Purpose purpose{};
    Identity from, to;  // `to` zero: whoever listens (the store, whose identity is not known yet)
  };
  // Throws Error{invalid_argument} for an address that cannot be parsed and Error{system} when
  // descriptors have run out; whatever fails while connecting is in problem().
  Dialler(Target target, const Credentials& credentials);
  ~Dialler();
  Dialler(Dialler&&) noexcept;

  // Goes on without blocking. A connection once, when there is one. Refused addresses are tried
  // again (the peer may not listen yet) every 50 ms until the owner gives up.
  std::optional<Connection> advance();
  // The same, blocking. Nothing when the deadline has passed.
  std::optional<Connection> wait(const Deadline& deadline);
  // The last failure of each address, for the error message: "10.0.0.7:4711: Connection refused;
  // ..."
  std::string problem() const;
  // For poll: readable when advance() has something to do.
  int descriptor() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

// Accepts connections of admitted jobs. One owner thread.
class Listener {
 public:
  // TCP on IPv6 and IPv4. Throws as listen_on_tcp() does.
  static Listener tcp(const ListenOn& where = {});
  // A fresh name in the abstract namespace.
  static Listener local();
  ~Listener();
  Listener(Listener&&) noexcept;

  std::vector<Address> addresses() const;
  // `me` is who dialled connections must be meant for (or zero: see Target), one per job. Jobs
  // admitted can connect until dismissed.
  void admit(const Credentials& credentials, const Identity& me);
  void dismiss(const Identity& job);
  // Accepts, reads and answers what can be without blocking; hands out each authenticated
  // connection once.
  std::vector<Connection> advance();
  // For poll: readable when advance() has something to do.
  int descriptor() const;  // an epoll descriptor
  // Connections dropped because they were strange, slow or too many.
  std::uint64_t dropped() const;

 private:
  class State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace motet
