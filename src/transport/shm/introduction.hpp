// Setting up one pair: the engine with the smaller identity dials, the other one waits for it, and
// then each hands over its segment and its bell. The one that was dialled speaks first, so that
// nothing follows the handshake's last message at once.
#pragma once

#include <memory>
#include <optional>

#include "transport/shm/neighbour.hpp"
#include "transport/transport.hpp"

namespace motet::shm {

class Introduction {
 public:
  // `unix_address`: of the peer. Throws Error{invalid_argument} when it cannot be parsed.
  Introduction(const Identity& me, const Transport::Peer& peer, const Address& unix_address,
               Offer offer);

  bool waits() const { return !dialler_ && !socket_; }
  // What the listener has accepted from this peer.
  void accept(Connection connection);

  // The peer once it is known, else null. Throws Error when what it says makes no sense.
  std::unique_ptr<Neighbour> advance();
  // Whether advance() has something to do although the descriptor says nothing.
  bool must_retry() const { return socket_ && my_turn() && !handed_over_; }
  // Readable when advance() has something to do; -1 while only a connection could be.
  int descriptor() const;
  // What dialling has run into, "" if nothing.
  std::string problem() const { return dialler_ ? dialler_->problem() : ""; }

 private:
  bool my_turn() const { return !dialled_ || theirs_.has_value(); }
  void hand_over();

  Offer offer_;
  std::optional<Dialler> dialler_;
  std::optional<PeerSocket> socket_;
  bool dialled_ = false;
  bool handed_over_ = false;
  std::optional<Received> theirs_;
};

}  // namespace motet::shm
