#include "execute/link.hpp"

#include <algorithm>

namespace motet {

Link::Link(std::string peer, std::string_view transport_name, Transport& transport,
           std::unique_ptr<Endpoint> endpoint)
    : peer_(std::move(peer)),
      transport_name_(transport_name),
      transport_(transport),
      endpoint_(std::move(endpoint)),
      group_send_(dynamic_cast<GroupSend*>(&transport)),
      memory_(dynamic_cast<PeerMemory*>(endpoint_.get())) {}

Link::Found Link::find_aside(Key key, Key mask) const {
  for (std::size_t i = 0; i < aside_.size(); ++i) {
    const Arrival& arrival = aside_[i]->arrival();
    if (((arrival.header.key ^ key) & mask) == 0) return {&arrival, static_cast<int>(i)};
  }
  return {};
}

std::size_t Link::drop_aside(Key key, Key mask) {
  return std::erase_if(aside_, [&](const std::unique_ptr<Aside>& aside) {
    return ((aside->arrival().header.key ^ key) & mask) == 0;
  });
}

}  // namespace motet
