// This rank's side of one peer: its endpoint, and what has arrived from it too early. Shared by all
// communicators of the engine.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "execute/key.hpp"
#include "transport/transport.hpp"

namespace motet {

class PeerLink {
 public:
  // `peer` is for messages: "rank 3 on host b".
  PeerLink(std::string peer, std::string_view transport_name, Transport& transport,
           std::unique_ptr<Endpoint> endpoint);

  // A block that somebody looks for; `arrival` null: it has not come.
  struct Found {
    const Arrival* arrival = nullptr;
    bool aside = false;  // false: at the front of the endpoint
  };
  // The block whose key equals `key` under `mask`: among those set aside, or the front one.
  Found find(Key key, Key mask) {
    if (!aside_.empty()) [[unlikely]] {
      if (const Found found = find_aside(key, mask); found.arrival != nullptr) return found;
    }
    const Arrival* front = endpoint_->front();
    if (front != nullptr && ((front->header.key ^ key) & mask) == 0) return {front, false};
    return {};
  }
  // It has been consumed.
  void release(const Found& found) {
    if (!found.aside) [[likely]] {
      endpoint_->pop();
    } else {
      release_aside(*found.arrival);
    }
  }
  // Moves the front block out of the way.
  void set_front_aside();
  // Drops what was set aside for an operation (mask: its bits) or a communicator. How many there
  // were.
  std::size_t drop_aside(Key key, Key mask);
  std::size_t aside_count() const { return aside_.size(); }

  bool send(const Header& header, const void* data) { return endpoint_->send(header, data); }

  Endpoint& endpoint() { return *endpoint_; }
  bool failed() const { return endpoint_->state() == Endpoint::State::failed; }
  Transport& transport() const { return transport_; }
  GroupSend* group_send() { return group_send_; }  // null: the transport has no such ability
  PeerMemory* memory() { return memory_; }         // likewise
  DirectPlacement* placement() { return placement_; }
  SendBack* send_back() { return send_back_; }
  // Nothing of an operation (mask: its bits) or a communicator is written to any more.
  void forget(Key key, Key mask) {
    if (placement_ != nullptr) placement_->forget(key, mask);
  }
  const std::string& peer() const { return peer_; }
  const std::string& transport_name() const { return transport_name_; }

 private:
  // By key, so that an operation whose blocks come late is not slowed down by those that came
  // early.
  using AsideByKey = std::unordered_multimap<Key, std::unique_ptr<Aside>>;

  Found find_aside(Key key, Key mask) const;
  void release_aside(const Arrival& arrival);

  std::string peer_;
  std::string transport_name_;
  Transport& transport_;
  std::unique_ptr<Endpoint> endpoint_;
  GroupSend* group_send_;
  PeerMemory* memory_;
  DirectPlacement* placement_;
  SendBack* send_back_;
  AsideByKey aside_;  // by what forward_mask leaves of the key
};

}  // namespace motet
