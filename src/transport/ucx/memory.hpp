// Reading peers' memory over UCX, without opening it to UCX.
//
// UCX's one-sided operations are not used: with them it serves whoever reaches the worker, to read
// and to write, at whatever address he names. Instead the reader asks for what was published, by a
// random key, and the owner's UCX sends it from where it lies to where the reader wants it. Where
// UCX lets the receiver fetch long messages (rendezvous over RDMA) nobody copies them; it registers
// both ends, and knows itself when their memory goes, as for everybody who sends with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "transport/messages/memory_wire.hpp"
#include "transport/ucx/library.hpp"

namespace motet::ucx {

class Connection;
class Worker;

// The active messages that it uses.
inline constexpr unsigned ask_id = 1;    // from the reader: an Ask
inline constexpr unsigned reply_id = 2;  // from the owner: a Reply, with what was asked for

struct Ask {
  std::uint64_t key = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t ticket = 0;  // the reader's, random
};
struct Reply {
  std::uint64_t ticket = 0;
};

// One worker's. Handed to UCX by address.
class Memory {
 public:
  // The worker must outlive it.
  explicit Memory(Worker& worker);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // To one peer. The connection must outlive it, and this.
  std::unique_ptr<messages::MemoryWire> open(Connection& connection);
  // Sends what has been asked for. True if anything has changed since the last call.
  bool serve();
  // What has been published so far is not sent any more.
  void clear() { published_->clear(); }

 private:
  class Wire;
  struct Published;
  // By key. Its entries belong to those who hold the memory.
  using Table = std::map<std::uint64_t, const Published*>;
  struct Hold;
  struct Pending {
    const Wire* by;
    std::shared_ptr<messages::FabricRead> read;
    std::shared_ptr<std::size_t> fetches;  // of the wire
  };
  struct Fetch;

  void handle(unsigned id, ucp_am_recv_callback_t callback);
  ucs_status_t take(const Reply& reply, void* data, std::size_t bytes, std::uint64_t attributes);
  ucs_status_t fetch(const Pending& pending, void* descriptor);
  void end(messages::FabricRead& read, messages::FabricRead::State state);

  Worker& worker_;
  const std::shared_ptr<Table> published_ = std::make_shared<Table>();
  std::map<std::uint64_t, Pending> pending_;  // by ticket
  std::deque<Ask> asked_;                     // by peers
  bool changed_ = false;
};

}  // namespace motet::ucx
