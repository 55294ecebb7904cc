#include "transport/shm/introduction.hpp"

#include "base/error.hpp"

namespace motet::shm {

Introduction::Introduction(const Identity& me, const Transport::Peer& peer,
                           const Address& unix_address, Offer offer)
    : offer_(offer), dialled_(me < peer.engine) {
  if (!dialled_) return;
  dialler_.emplace(
      Dialler::Target{
          .addresses = {unix_address}, .purpose = Purpose::shm, .from = me, .to = peer.engine},
      peer.credentials);
}

void Introduction::accept(Connection connection) {
  socket_.emplace(std::move(connection));
}

void Introduction::hand_over() {
  const Message message{.kind = Kind::offer,
                        .index = offer_.index,
                        .sizes = offer_.segment->layout().sizes(),
                        .has_membarrier = offer_.has_membarrier ? 1U : 0U,
                        .specimen = offer_.specimen};
  // Refused while too many descriptors of this user are under way: then again.
  handed_over_ = socket_->send(message, std::array{offer_.segment->descriptor(), offer_.bell});
}

std::unique_ptr<Neighbour> Introduction::advance() {
  if (dialler_) {
    std::optional<Connection> connection = dialler_->advance();
    if (!connection) return nullptr;
    socket_.emplace(std::move(*connection));
    dialler_.reset();
  }
  if (!socket_) return nullptr;
  Received received;
  if (!theirs_ && socket_->receive(received)) {
    if (received.message.kind != Kind::offer) {
      throw Error(ErrorCode::invalid_argument,
                  "shm: the peer began with something else than its offer");
    }
    theirs_ = std::move(received);
  }
  if (my_turn() && !handed_over_) hand_over();
  if (theirs_ && handed_over_) {
    return std::make_unique<Neighbour>(std::move(*socket_), std::move(*theirs_), offer_);
  }
  if (socket_->closed()) {
    if (dialled_) throw Error(ErrorCode::peer_lost, "closed the connection during set-up");
    // The peer gave up; it may dial again.
    socket_.reset();
    handed_over_ = false;
  }
  return nullptr;
}

int Introduction::descriptor() const {
  if (dialler_) return dialler_->descriptor();
  return socket_ ? socket_->descriptor() : -1;
}

}  // namespace motet::shm
