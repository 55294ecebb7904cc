// Ranks in one process, each with a transport of its own: what all tests of transports stand on.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/transport.hpp"

namespace motet::test {

// A transport, plain or with faults.
struct Flavour {
  std::string name;  // "tcp", "fault_tcp"
  std::function<std::unique_ptr<Transport>(const TransportOptions&)> open;
};
std::ostream& operator<<(std::ostream& out, const Flavour& flavour);

// Everything in transports() that is available here, and each with faults.
std::vector<Flavour> all_flavours();

// Generous: sanitizers and other jobs on the machine slow everything down.
inline constexpr std::chrono::seconds patience(60);

// A test's bytes: they depend on the stream, the block and the position, so nothing can be swapped
// unnoticed.
void fill(std::byte* to, std::size_t bytes, std::uint64_t seed);
bool is_filled(const std::byte* data, std::size_t bytes, std::uint64_t seed);

Key key_of(std::uint32_t stream, std::uint32_t index);
Header header_of(std::uint32_t stream, std::uint32_t index, std::size_t bytes);
// The block header_of() names, filled by its key; throws if the arrival is another or other bytes.
void expect_block(const Arrival& arrival, std::uint32_t stream, std::uint32_t index,
                  std::size_t bytes);

// One rank: a transport and its endpoints, by rank. Whatever takes longer than `patience` throws
// std::runtime_error.
class Engine {
 public:
  Engine(const Flavour& flavour, int rank, const TransportOptions& options);

  int rank() const { return rank_; }
  Transport& transport() { return *transport_; }
  const Identity& identity() const { return identity_; }
  Transport::Peer as_peer(const Credentials& credentials) const;

  void connect(const Engine& peer, const Credentials& credentials);
  void connect(int peer_rank, const Transport::Peer& peer);
  void disconnect(int peer_rank) { endpoints_.at(static_cast<std::size_t>(peer_rank)).reset(); }
  Endpoint& to(int peer_rank) { return *endpoints_.at(static_cast<std::size_t>(peer_rank)); }
  bool all_ready() const;

  // Drives the transport and sleeps whenever there is nothing to do, until `done`.
  void until(const std::function<bool()>& done, const std::string& what);
  // Sends block `index` of `stream`, filled by its key.
  void send(int peer, std::uint32_t stream, std::uint32_t index, std::size_t bytes);
  // Waits for the next block of `stream` and expects it to be this one. Blocks of other streams are
  // set aside for later calls.
  void receive(int peer, std::uint32_t stream, std::uint32_t index, std::size_t bytes);
  // Waits until everything sent can reach its reader.
  void flush();

 private:
  // Whether `done` said so; it is not asked again then, as it may have sent a block.
  bool sleep(const std::function<bool()>& done);
  bool take_from_aside(int peer, std::uint32_t stream, std::uint32_t index, std::size_t bytes);

  int rank_;
  Identity identity_ = Identity::random();
  std::unique_ptr<Transport> transport_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::byte> block_;
  struct Kept {
    int peer;
    std::unique_ptr<Aside> block;
  };
  std::deque<Kept> kept_;
};

// Engines that have been admitted to one job.
class Fleet {
 public:
  Fleet(const Flavour& flavour, int ranks, const TransportOptions& options = {});

  Engine& operator[](int rank) { return *engines_.at(static_cast<std::size_t>(rank)); }
  void destroy(int rank) { engines_.at(static_cast<std::size_t>(rank)).reset(); }
  const Credentials& credentials() const { return credentials_; }

  // Every pair.
  void connect();
  // Drives all engines from this thread until `done`.
  void until(const std::function<bool()>& done, const std::string& what);
  // Each rank in a thread of its own; rethrows what the first of them threw. Afterwards everything
  // is flushed.
  void run(const std::function<void(Engine&)>& rank);

 private:
  Credentials credentials_;
  std::vector<std::unique_ptr<Engine>> engines_;
};

// A connected fleet.
Fleet connected_fleet(const Flavour& flavour, int ranks, const TransportOptions& options = {});

}  // namespace motet::test
