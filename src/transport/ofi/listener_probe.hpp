// Asks the network device whether anybody still listens where a peer did. ofi_rxm refuses messages
// alike when a peer that makes no call has no room for more, and when there is no peer any more;
// but a connection to the port of a process that has ended is rejected by the peer's kernel.
#pragma once

#include <memory>

#include "transport/ofi/library.hpp"
#include "transport/ofi/peer_address.hpp"

namespace motet::ofi {

class ListenerProbe {
 public:
  enum class Answer {
    pending,
    nobody,   // the peer's host says so
    unknown,  // a peer that lives says no more, nor does a host that is gone
  };

  // Asks the provider below ofi_rxm, on the device of `info`. If that fails the answer is unknown.
  ListenerProbe(const Library& library, const fi_info& info, const PeerAddress& peer);
  ListenerProbe(const ListenerProbe&) = delete;
  ListenerProbe& operator=(const ListenerProbe&) = delete;

  Answer look();

 private:
  bool open();

  const Library library_;
  Info route_;
  FabricHandle fabric_;
  EventsHandle events_;
  DomainHandle domain_;
  CompletionsHandle completions_;
  EndpointHandle endpoint_;
  Answer answer_ = Answer::pending;
};

}  // namespace motet::ofi
