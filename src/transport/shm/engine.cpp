#include "transport/shm/engine.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "net/own.hpp"

namespace motet::shm {

ShmEngine::ShmEngine(const TransportOptions& options, const Sizes& sizes)
    : identity_(options.engine),
      name_(options.name),
      reads_peers_(options.reads_peers),
      has_membarrier_(register_membarrier()),
      segment_(Segment::create(sizes, identity_)),
      slots_(*segment_),
      watching_(own(epoll_create1(EPOLL_CLOEXEC), "shm: epoll_create1")),
      seats_(max_peers) {
  randombytes_buf(nonce_.data(), nonce_.size());
  refused_.reserve(max_peers);
  readers_.reserve(max_peers);
}

Offer ShmEngine::offer(std::uint32_t index) const {
  return {.segment = segment_.get(),
          .bell = bell_.descriptor(),
          .index = index,
          .has_membarrier = has_membarrier_,
          .specimen = {reads_peers_ ? reinterpret_cast<std::uint64_t>(nonce_.data()) : 0, nonce_}};
}

// --- Seats.

std::uint32_t ShmEngine::enter(ShmEndpoint& endpoint) {
  std::uint32_t index = max_peers;
  for (std::uint32_t i = 0; i < max_peers; ++i) {
    const Seat& seat = seats_[i];
    if (seat.endpoint != nullptr && seat.endpoint->peer() == endpoint.peer()) {
      throw Error(ErrorCode::invalid_argument, name_ + ": shm: this peer has an endpoint already");
    }
    if (index == max_peers && seat.endpoint == nullptr && !seat.departing) index = i;
    if (i >= seats_used_ && index != max_peers) break;
  }
  if (index == max_peers) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{}: shm: more than {} peers", name_, max_peers));
  }
  seats_[index].endpoint = &endpoint;
  seats_used_ = std::max(seats_used_, index + 1);
  connecting_.push_back(&endpoint);
  return index;
}

void ShmEngine::leave(ShmEndpoint& endpoint, std::uint32_t index) {
  std::erase(connecting_, &endpoint);
  std::erase(refused_, &endpoint);
  Seat& seat = seats_[index];
  seat.endpoint = nullptr;
  const std::shared_ptr<Neighbour>& neighbour = endpoint.neighbour();
  if (is_forked_child()) return;
  if (!neighbour || neighbour->socket.closed() || neighbour->dead()) {
    if (neighbour) unwatch(*neighbour);
    free_seat(index);
    return;
  }
  if (!neighbour->socket.send({.kind = Kind::left})) neighbour->socket.finish();
  seat.departing = neighbour;
  seat.finished = false;
  ++departing_;
}

void ShmEngine::free_seat(std::uint32_t index) {
  Seat& seat = seats_[index];
  if (seat.departing) --departing_;
  seat.departing.reset();
  slots_.forget(index, SlotPool::Forget::everything);
  segment_->clear_peer(index);
}

bool ShmEngine::listen_to_departing(std::uint32_t index) {
  PeerSocket& socket = seats_[index].departing->socket;
  for (Received received; socket.receive(received);) {
  }
  if (!socket.closed() && !seats_[index].departing->dead()) return false;
  unwatch(*seats_[index].departing);
  free_seat(index);
  return true;
}

// Who leaves tells the peer once nothing of its slots is held any more.
void ShmEngine::sweep_departing() {
  for (std::uint32_t i = 0; i < seats_used_; ++i) {
    Seat& seat = seats_[i];
    if (!seat.departing || seat.finished || seat.departing.use_count() > 1) continue;
    seat.departing->socket.finish();
    seat.finished = true;
  }
}

void ShmEngine::peer_is_gone(std::uint32_t index) {
  slots_.forget(index, SlotPool::Forget::what_it_reads);
  unwatch(*seats_[index].endpoint->neighbour());
}

void ShmEngine::close() {
  for (const Seat& seat : seats_) {
    if (seat.endpoint == nullptr) continue;
    const std::shared_ptr<Neighbour>& neighbour = seat.endpoint->neighbour();
    if (neighbour) neighbour->socket.send({.kind = Kind::left});
    seat.endpoint->fail("the transport was closed");
  }
  connecting_.clear();
  waiting_.clear();
}

// --- Connecting.

void ShmEngine::accept(Connection connection) {
  // The latest of a peer is the one that it still wants.
  std::erase_if(waiting_, [&](const Connection& other) { return other.peer == connection.peer; });
  if (waiting_.size() == max_peers) waiting_.erase(waiting_.begin());
  waiting_.push_back(std::move(connection));
}

void ShmEngine::dismiss(const Identity& job) {
  std::erase_if(waiting_, [&](const Connection& connection) { return connection.job == job; });
}

bool ShmEngine::introduce() {
  bool changed = false;
  for (ShmEndpoint* const endpoint : connecting_) {
    if (endpoint->waits_for_connection()) {
      const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Connection& one) {
        return one.peer == endpoint->peer();
      });
      if (found == waiting_.end()) continue;
      endpoint->accept(std::move(*found));
      waiting_.erase(found);
    }
    changed = endpoint->introduce() || changed;
  }
  std::erase_if(connecting_, [](const ShmEndpoint* endpoint) {
    return endpoint->state() != Endpoint::State::connecting;
  });
  return changed;
}

}  // namespace motet::shm
