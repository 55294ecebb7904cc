// What is read out of peers' memory and into this rank's, and the memory that is registered for it.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>

#include "transport/messages/memory_wire.hpp"
#include "transport/ofi/domain.hpp"
#include "transport/ofi/route.hpp"
#include "transport/registered/registration_cache.hpp"

namespace motet::ofi {

// A Buffer that lies in users' memory.
struct ReadBuffer : Buffer {
  std::shared_ptr<messages::FabricRead> read;
  registered::Held into;
  const Route* from = nullptr;
};

class Reads {
 public:
  // The domain must outlive it; its endpoint closes before it goes.
  explicit Reads(Domain& domain);
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;

  // To be read by peers.
  registered::Held hold(const void* data, std::size_t bytes) { return readable_.get(data, bytes); }
  // To be read into.
  registered::Held hold_target(void* to, std::size_t bytes);
  // The region is the key.
  std::optional<Location> locate(const void* data, std::size_t bytes);
  // The route must outlive all reads.
  void start(const Route& from, std::shared_ptr<messages::FabricRead> read);
  void ended(const Completion& completion);
  // Starts those for which there was no room. True if it did.
  bool advance();
  bool waits() const { return !waiting_.empty(); }
  // Those fail that libfabric has not accepted yet. It cannot cancel the others.
  void give_up(const Route& from);
  // The endpoint is closed: no completion comes any more.
  void fail_all();
  // Unregisters everything: the provider refuses who asks for it.
  void clear();

 private:
  bool try_to_start(ReadBuffer& buffer);
  void end(ReadBuffer& buffer, messages::FabricRead::State state);

  Domain& domain_;
  registered::RegistrationCache readable_;
  registered::RegistrationCache targets_;
  std::list<ReadBuffer> buffers_;    // under way, or waiting
  std::deque<ReadBuffer*> waiting_;  // each peer's in order
};

}  // namespace motet::ofi
