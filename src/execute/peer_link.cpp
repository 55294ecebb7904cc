#include "execute/peer_link.hpp"

#include <algorithm>

namespace motet {

PeerLink::PeerLink(std::string peer, std::string_view transport_name, Transport& transport,
                   std::unique_ptr<Endpoint> endpoint)
    : peer_(std::move(peer)),
      transport_name_(transport_name),
      transport_(transport),
      endpoint_(std::move(endpoint)),
      group_send_(dynamic_cast<GroupSend*>(&transport)),
      memory_(dynamic_cast<PeerMemory*>(endpoint_.get())),
      placement_(dynamic_cast<DirectPlacement*>(endpoint_.get())),
      send_back_(dynamic_cast<SendBack*>(endpoint_.get())) {}

void PeerLink::set_front_aside() {
  std::unique_ptr<Aside> aside = endpoint_->set_aside();
  const Key key = aside->arrival().header.key & forward_mask;
  aside_.emplace(key, std::move(aside));
}

PeerLink::Found PeerLink::find_aside(Key key, Key mask) const {
  const auto [first, last] = aside_.equal_range(key & forward_mask);
  for (auto i = first; i != last; ++i) {
    const Arrival& arrival = i->second->arrival();
    if (((arrival.header.key ^ key) & mask) == 0) return {&arrival, true};
  }
  return {};
}

void PeerLink::release_aside(const Arrival& arrival) {
  const auto [first, last] = aside_.equal_range(arrival.header.key & forward_mask);
  aside_.erase(std::find_if(first, last,
                            [&](const auto& kept) { return &kept.second->arrival() == &arrival; }));
}

std::size_t PeerLink::drop_aside(Key key, Key mask) {
  return std::erase_if(aside_, [&](const auto& kept) {
    return ((kept.second->arrival().header.key ^ key) & mask) == 0;
  });
}

}  // namespace motet
