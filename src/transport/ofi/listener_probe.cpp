#include "transport/ofi/listener_probe.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace motet::ofi {
namespace {

// InfiniBand's reason of a rejection that no process has made: "invalid service ID".
constexpr int no_such_listener = 8;

// What a peer that lives does not take for the greeting of another ofi_rxm, and so rejects.
constexpr std::array<std::byte, 16> no_greeting{};

// libfabric frees these with the info that they are in.
void* copied(const void* bytes, std::size_t count) {
  return std::memcpy(std::malloc(count), bytes, count);
}

char* core_provider(const fi_info& info) {
  const std::string_view name = info.fabric_attr->prov_name;
  return ::strndup(name.data(), name.find(';'));
}

// From the device of `info` to the peer.
Info find_route(const Library& library, const fi_info& info, const PeerAddress& peer) {
  const Info hints = library.empty_info();
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2 | FI_RX_CQ_DATA;  // nothing will be sent
  hints->ep_attr->type = FI_EP_MSG;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->name = ::strdup(info.domain_attr->name);
  hints->fabric_attr->prov_name = core_provider(info);
  hints->addr_format = info.addr_format;
  hints->dest_addr = copied(peer.data(), peer.size());
  hints->dest_addrlen = peer.size();
  fi_info* found = nullptr;
  library.getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, hints.get(), &found);
  return {found, library.freeinfo};
}

template <class Owner, class Open>
bool opened(Owner& owner, Open&& open) {
  typename Owner::pointer handle = nullptr;
  if (open(&handle) != 0) return false;
  owner.reset(handle);
  return true;
}

}  // namespace

ListenerProbe::ListenerProbe(const Library& library, const fi_info& info, const PeerAddress& peer)
    : library_(library), route_(find_route(library, info, peer)) {
  const bool asked =
      route_ != nullptr && open() &&
      fi_connect(endpoint_.get(), peer.data(), no_greeting.data(), no_greeting.size()) == 0;
  if (!asked) answer_ = Answer::unknown;
}

bool ListenerProbe::open() {
  fi_eq_attr events{};
  events.wait_obj = FI_WAIT_NONE;
  fi_cq_attr completions{};
  completions.size = route_->tx_attr->size + route_->rx_attr->size;
  completions.format = FI_CQ_FORMAT_CONTEXT;
  return opened(fabric_,
                [&](auto to) { return library_.fabric(route_->fabric_attr, to, nullptr); }) &&
         opened(events_,
                [&](auto to) { return fi_eq_open(fabric_.get(), &events, to, nullptr); }) &&
         opened(domain_,
                [&](auto to) { return fi_domain(fabric_.get(), route_.get(), to, nullptr); }) &&
         opened(completions_,
                [&](auto to) { return fi_cq_open(domain_.get(), &completions, to, nullptr); }) &&
         opened(endpoint_,
                [&](auto to) { return fi_endpoint(domain_.get(), route_.get(), to, nullptr); }) &&
         fi_ep_bind(endpoint_.get(), &events_->fid, 0) == 0 &&
         fi_ep_bind(endpoint_.get(), &completions_->fid, FI_TRANSMIT | FI_RECV) == 0 &&
         fi_enable(endpoint_.get()) == 0;
}

ListenerProbe::Answer ListenerProbe::look() {
  if (answer_ != Answer::pending) return answer_;
  std::uint32_t event = 0;
  fi_eq_cm_entry entry{};
  const long result = fi_eq_read(events_.get(), &event, &entry, sizeof entry, 0);
  if (result == -FI_EAGAIN) return answer_;
  answer_ = Answer::unknown;
  if (result != -FI_EAVAIL) return answer_;
  fi_eq_err_entry error{};
  const bool read = fi_eq_readerr(events_.get(), &error, 0) > 0;
  const bool rejected = read && error.err == FI_ECONNREFUSED;
  if (rejected && std::abs(error.prov_errno) == no_such_listener) answer_ = Answer::nobody;
  return answer_;
}

}  // namespace motet::ofi
