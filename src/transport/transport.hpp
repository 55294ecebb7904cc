// How blocks move between two ranks. One implementation per folder; all pass one conformance suite.
//
// A transport and its endpoints belong to one engine: one thread at a time drives them. Nothing
// here blocks, and nothing throws except where said. Blocks of one stream (Header::stream) arrive
// in the order in which they were sent; blocks of different streams may overtake one another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/types.hpp"
#include "net/credentials.hpp"
#include "net/listening_socket.hpp"
#include "transport/message.hpp"

namespace motet {

// A block moved out of its endpoint's way, readable until destroyed.
class Aside {
 public:
  virtual ~Aside() = default;
  virtual const Arrival& arrival() const = 0;
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  enum class State { connecting, ready, failed };
  virtual State state() const = 0;
  // Why it failed: "Connection reset by peer". While connecting: what the last try ran into, if
  // anything.
  virtual const std::string& failure() const = 0;

  // Takes a block, copying it (header.bytes from `data`) as far as needed: the caller may change it
  // at once. False: no room now, nothing was taken, try again after progress. A stream none of
  // whose blocks is under way finds room although other streams' blocks are not consumed, except
  // while the peer makes no call at all. Dropped if failed.
  virtual bool send(const Header& header, const void* data) = 0;

  // The first block that has arrived and not been popped, or null. Valid until pop(), set_aside()
  // or progress().
  virtual const Arrival* front() = 0;
  // The front block has been consumed; its space goes back to the sender.
  virtual void pop() = 0;
  // Removes the front block but keeps it readable, so that those behind it can be reached.
  virtual std::unique_ptr<Aside> set_aside() = 0;

  // Whether the peer can get all that was sent without this rank making further calls.
  virtual bool flushed() const = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Whether the ranks it connects share memory: they are on one node, what arrives is seen without
  // progress(), and what was sent needs nothing more of this rank.
  virtual bool shares_memory() const = 0;
  // Opaque; the peer needs it to connect. Complete once the transport exists.
  virtual std::string address() const = 0;
  // Whether connecting is worth a try. Symmetric.
  virtual bool reaches(std::string_view peer_address) const = 0;

  // Members of this job may connect from now on. Before address() is given to anyone.
  virtual void admit(const Credentials& credentials) = 0;
  // They may no more; those who are connected stay.
  virtual void dismiss(const Identity& job) = 0;

  struct Peer {
    std::string address;
    Identity engine;   // whose it is
    std::string name;  // for messages: "rank 3 on host b"
    Credentials credentials;
  };
  // Starts connecting; both sides call it, in any order. The endpoint becomes ready or failed by
  // progress() of both; it is the caller who gives up. One endpoint per peer engine at a time,
  // which must die before the transport.
  virtual std::unique_ptr<Endpoint> connect(const Peer& peer) = 0;

  // Moves what can be moved without blocking: accepts, flushes, reads. True if anything changed.
  virtual bool progress() = 0;

  // The longest block.
  virtual std::size_t max_block_bytes() const = 0;

  // Going to sleep, in this order: announce_sleep(); if progress() and the fronts show nothing,
  // poll() on descriptors(); then announce_wake(). A peer that sends after the announcement makes a
  // descriptor readable, and so does one that makes room where send() has found none, or that
  // connects or dies.
  virtual void announce_sleep() = 0;
  virtual void announce_wake() = 0;
  virtual std::vector<int> descriptors() const = 0;
};

// Abilities. A transport or endpoint that has one also derives from it; ask with dynamic_cast at
// lowering.

// On a transport: one copy of a block serves several readers.
class GroupSend {
 public:
  struct Outgoing {
    Endpoint* to;
    Header header;       // equal bytes in all
    bool taken = false;  // set when it has been sent
  };
  virtual ~GroupSend() = default;
  // Like send() to each; those for whom there is no room now are left out (taken stays false).
  virtual void send_to_all(std::span<Outgoing> outgoing, const void* data) = 0;
};

// Where memory is, in a form that can be sent.
struct Location {
  std::uint64_t region = 0;
  std::uint64_t offset = 0;
};

// On an endpoint: both ranks can reach (some) memory of the other directly, or read it.
class PeerMemory {
 public:
  virtual ~PeerMemory() = default;
  // How the peer can reach these bytes of mine; nothing if it cannot.
  virtual std::optional<Location> publish(const void* data, std::size_t bytes) = 0;
  // Prepares memory for being published for reading, in parts or as a whole, as long as the result
  // lives: whoever publishes keeps it until that has been read. Null if nothing has to be prepared,
  // or if it cannot be read.
  virtual std::shared_ptr<const void> hold(const void* data, std::size_t bytes) = 0;
  // Prepares memory for being read into, as hold() does, but lets nobody reach it. Without that, or
  // if it is null, each read prepares its own part.
  virtual std::shared_ptr<const void> hold_target(void* /*to*/, std::size_t /*bytes*/) {
    return nullptr;
  }
  // How the peer can read these bytes of mine, at the price of system calls or of a fabric's reads;
  // nothing if it may not.
  virtual std::optional<Location> publish_for_reading(const void* data, std::size_t bytes) = 0;
  // Where the peer's bytes are in my address space; null if they cannot be reached.
  virtual std::byte* reach(const Location& location, std::size_t bytes) = 0;
  enum class Read : std::uint8_t {
    done,
    pending,  // it goes on: `to` belongs to the transport until asking again says otherwise
    refused   // it cannot be had
  };
  // Copies what was published for reading. While it is pending: asked again with the same
  // arguments. Several reads, to different places, may be pending.
  virtual Read read(const Location& location, void* to, std::size_t bytes) = 0;
  // Brackets every touch of the peer's memory. False: the peer has withdrawn it since `epoch` was
  // published; do not touch. Once more after reading: false means that what was read is worthless.
  virtual bool enter(std::uint32_t epoch) = 0;
  virtual void leave() = 0;
  // Goes with every location I publish.
  virtual std::uint32_t epoch() const = 0;
};

// On an endpoint: blocks are received right where they belong.
class DirectPlacement {
 public:
  virtual ~DirectPlacement() = default;
  // If the block with this key, fingerprint and size has not begun to arrive, its payload will be
  // written to `to` and be found there (Arrival::data). Until then `to` belongs to the endpoint.
  virtual void expect(const Header& header, std::byte* to) = 0;
  // Blocks whose key equals `key` under `mask` are expected no longer. Nothing is written there any
  // more, not even the rest of one that is arriving.
  virtual void forget(Key key, Key mask) = 0;
};

// On an endpoint: a block that has come goes back changed, in the memory in which it came.
class SendBack {
 public:
  virtual ~SendBack() = default;
  // Where the front block lies, if it may be changed there and there is room to send it; then
  // send_back() must follow before anything else is asked of the endpoint. Null: take it and send
  // another.
  virtual std::byte* front_to_change() = 0;
  // After front_to_change() has given its memory: pops the front block and sends that memory as
  // another one, of as many bytes.
  virtual void send_back(const Header& header) = 0;
};

// On an endpoint: which of several ways was taken.
class Routed {
 public:
  virtual ~Routed() = default;
  // Once ready, for people: "10.0.0.7:4711".
  virtual std::string route() const = 0;
};

// On a transport: after an error peers touch none of its memory any more, nor it theirs.
class Withdrawable {
 public:
  virtual ~Withdrawable() = default;
  // Peers see a new epoch, or have their reads refused, and no read of this rank is pending any
  // more. Returns when no live peer is inside a block; if one stays inside (stopped) for 100 ms,
  // its view is cut off: a mapped region gets fresh pages with the same contents.
  virtual void withdraw() = 0;
};

// On a transport: gives out memory that peers may reach.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  // Memory that peers can map. Zeroed, page aligned. Throws Error{system}.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* memory) = 0;
  // Makes an existing shared mapping of a descriptor (from `offset`) reachable; the caller keeps it
  // mapped until unregistered. Throws Error{invalid_argument}.
  virtual void add(void* address, std::size_t bytes, int descriptor, std::uint64_t offset) = 0;
  virtual void remove(void* address) = 0;
};

// How a transport comes into being.
struct TransportOptions {
  Identity engine;                         // who I am
  std::string name;                        // for messages: "rank 3"
  ListenOn listen_on{};                    // tcp, and its interfaces: ofi
  int numa = -1;                           // ofi: node that this rank runs at; -1: none known
  std::vector<std::string> rails{};        // interfaces that the rails transport uses, in order
  std::vector<std::string> named_rails{};  // of these, if the user has named them: ofi
  int slots = 8;                           // shm: soft limit of large blocks under way
  std::size_t block_bytes = 128 * 1024;    // longest block
  std::size_t ring_lines = 64;             // shm: headers per pair, a power of two
  std::size_t ring_bytes = 32 * 1024;      // shm: payload ring per pair
  bool reads_peers = true;                 // and lets them read: shm (process_vm_readv), ofi, ucx
  bool reads_at_any_price = false;         // ucx: also where it only copies what is read
  std::string ofi_provider;                // ofi: as libfabric names it; empty: the best here
};

struct TransportInfo {
  std::string_view name;
  // "" or a sentence for people: "libfabric was not found when Motet was built".
  std::string (*unavailable_because)();
  std::unique_ptr<Transport> (*open)(const TransportOptions& options);  // throws Error
  // Left out unless the user names it or a device here speaks for it: it takes long to open.
  bool only_by_name = false;
  // What its blocks cost, for whoever hoped for a better one.
  std::string_view price{};
};

// Best first.
std::span<const TransportInfo> transports();

}  // namespace motet
