#include "transport/shm/engine.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "transport/shm/own.hpp"

namespace motet::shm {

Engine::Engine(const Identity& identity, std::string name, const Sizes& sizes)
    : identity_(identity),
      name_(std::move(name)),
      has_membarrier_(register_membarrier()),
      segment_(Segment::create(sizes, identity)),
      slots_(*segment_),
      watching_(own(epoll_create1(EPOLL_CLOEXEC))),
      places_(max_peers) {
  if (!watching_) throw system_error("shm: epoll_create1", errno);
  refused_.reserve(max_peers);
  readers_.reserve(max_peers);
}

Offer Engine::offer(std::uint32_t index) const {
  return {.segment = segment_.get(),
          .bell = bell_.descriptor(),
          .index = index,
          .has_membarrier = has_membarrier_};
}

// --- Places.

std::uint32_t Engine::enter(ShmEndpoint& endpoint) {
  std::uint32_t index = max_peers;
  for (std::uint32_t i = 0; i < max_peers; ++i) {
    const Place& place = places_[i];
    if (place.endpoint != nullptr && place.endpoint->peer() == endpoint.peer()) {
      throw Error(ErrorCode::invalid_argument, name_ + ": shm: this peer has an endpoint already");
    }
    if (index == max_peers && place.endpoint == nullptr && !place.departing) index = i;
    if (i >= places_used_ && index != max_peers) break;
  }
  if (index == max_peers) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{}: shm: more than {} peers", name_, max_peers));
  }
  places_[index].endpoint = &endpoint;
  places_used_ = std::max(places_used_, index + 1);
  connecting_.push_back(&endpoint);
  return index;
}

void Engine::leave(ShmEndpoint& endpoint, std::uint32_t index) {
  std::erase(connecting_, &endpoint);
  std::erase(refused_, &endpoint);
  Place& place = places_[index];
  place.endpoint = nullptr;
  const std::shared_ptr<Neighbour>& neighbour = endpoint.neighbour();
  if (is_forked_child()) return;
  if (!neighbour || neighbour->channel.closed() || neighbour->dead()) {
    if (neighbour) unwatch(*neighbour);
    free_place(index);
    return;
  }
  if (!neighbour->channel.send({.kind = Kind::left})) neighbour->channel.finish();
  place.departing = neighbour;
  place.finished = false;
  ++departing_;
}

void Engine::free_place(std::uint32_t index) {
  Place& place = places_[index];
  if (place.departing) --departing_;
  place.departing.reset();
  slots_.forget(index);
  segment_->clear_peer(index);
}

bool Engine::listen_to_departing(std::uint32_t index) {
  Channel& channel = places_[index].departing->channel;
  for (Received received; channel.receive(received);) {
  }
  if (!channel.closed() && !places_[index].departing->dead()) return false;
  unwatch(*places_[index].departing);
  free_place(index);
  return true;
}

// Who leaves tells the peer once nothing of its slots is held any more.
void Engine::sweep_departing() {
  for (std::uint32_t i = 0; i < places_used_; ++i) {
    Place& place = places_[i];
    if (!place.departing || place.finished || place.departing.use_count() > 1) continue;
    place.departing->channel.finish();
    place.finished = true;
  }
}

void Engine::peer_is_gone(std::uint32_t index) {
  slots_.forget(index);
  unwatch(*places_[index].endpoint->neighbour());
}

void Engine::close() {
  for (const Place& place : places_) {
    if (place.endpoint == nullptr) continue;
    const std::shared_ptr<Neighbour>& neighbour = place.endpoint->neighbour();
    if (neighbour) neighbour->channel.send({.kind = Kind::left});
    place.endpoint->fail("the transport was closed");
  }
  connecting_.clear();
  waiting_.clear();
}

// --- Connecting.

void Engine::accept(Connection connection) {
  // The latest of a peer is the one that it still wants.
  std::erase_if(waiting_, [&](const Connection& other) { return other.peer == connection.peer; });
  if (waiting_.size() == max_peers) waiting_.erase(waiting_.begin());
  waiting_.push_back(std::move(connection));
}

bool Engine::introduce() {
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
