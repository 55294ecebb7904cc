// The authenticated Unix connection between two engines. It carries what rings cannot: descriptors,
// and the news that the peer is gone. Messages are rare; each is sent whole or not at all.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "net/handshake.hpp"
#include "transport/shm/layout.hpp"
#include "transport/shm/peer_process.hpp"

namespace motet::shm {

enum class Kind : std::uint32_t {
  offer = 1,  // here is my segment and my bell: descriptors {segment, bell}
  region,     // here is memory of mine that you may reach: descriptor {memory}
  forget,     // that region is no more
  left        // I have closed my end; what I sent before can still be read
};

// All kinds share one form; which members count is said above.
struct Message {
  Kind kind{};
  std::uint32_t index = 0;                          // offer: of what is for you in my segment
  Sizes sizes{};                                    // offer
  std::uint32_t has_membarrier = 0;                 // offer
  Specimen specimen{};                              // offer
  std::uint64_t region = 0, bytes = 0, offset = 0;  // region, forget
};

struct Received {
  Message message;
  std::array<Descriptor, 2> descriptors;
};

class PeerSocket {
 public:
  explicit PeerSocket(Connection connection);

  // False: no room at the moment, or the peer is gone.
  bool send(const Message& message, std::span<const int> descriptors = {}) noexcept;
  // Takes the next message if it has come. Malformed ones close the socket.
  bool receive(Received& received) noexcept;
  // Nothing more will come: the peer's process or its end of the socket is gone.
  bool closed() const { return closed_; }
  // The peer will receive nothing more, and knows it.
  void finish() noexcept;

  int descriptor() const { return connection_.socket.get(); }
  const Identity& peer() const { return connection_.peer; }
  // The process at the other end as the system says, 0 when it cannot be seen from here.
  int process() const { return process_; }

 private:
  Connection connection_;
  int process_ = 0;
  bool closed_ = false;
};

}  // namespace motet::shm
