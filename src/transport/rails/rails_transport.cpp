#include "transport/rails/rails_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/assert.hpp"
#include "net/poller.hpp"
#include "transport/rails/rails_endpoint.hpp"
#include "transport/tcp/tcp_transport.hpp"

namespace motet {
namespace rails {
namespace {

constexpr std::string_view address_prefix = "rails;";

// "rails;11:tcp;...;,": each rail's address with its length before it.
std::string to_text(const std::vector<Rail>& rails) {
  std::string text(address_prefix);
  for (const Rail& rail : rails) {
    const std::string address = rail.transport->address();
    text += fmt::format("{}:{}", address.size(), address);
  }
  return text;
}

// Empty if the text is no such address.
std::vector<std::string> parse(std::string_view text) {
  if (!text.starts_with(address_prefix)) return {};
  text.remove_prefix(address_prefix.size());
  std::vector<std::string> addresses;
  while (!text.empty() && addresses.size() < most_rails) {
    std::size_t length = 0;
    const char* const end = text.data() + text.size();
    const auto [colon, failure] = std::from_chars(text.data(), end, length);
    if (failure != std::errc{} || colon == end || *colon != ':') return {};
    text.remove_prefix(static_cast<std::size_t>(colon + 1 - text.data()));
    if (length > text.size()) return {};
    addresses.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return addresses;
}

class RailsTransport final : public Transport {
 public:
  RailsTransport(std::vector<Rail> rails, std::string name)
      : rails_(std::move(rails)), name_(std::move(name)) {
    MOTET_ASSERT(!rails_.empty() && rails_.size() <= most_rails, "1 to 8 rails");
  }

  bool shares_memory() const override { return false; }
  std::string address() const override { return to_text(rails_); }
  bool reaches(std::string_view peer_address) const override {
    const std::vector<std::string> addresses = parse(peer_address);
    for (std::size_t i = 0; i < std::min(addresses.size(), rails_.size()); ++i) {
      if (rails_[i].transport->reaches(addresses[i])) return true;
    }
    return false;
  }
  void admit(const Credentials& credentials) override {
    leaving_.erase(credentials.job);
    for (Rail& rail : rails_) rail.transport->admit(credentials);
  }
  // A rail that is lost is dialled again: its job stays admitted while it has endpoints.
  void dismiss(const Identity& job) override {
    leaving_.insert(job);
    dismiss_those_without_endpoints();
  }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override;
  bool progress() override {
    bool moved = false;
    for (Rail& rail : rails_) moved |= rail.transport->progress();
    for (RailsEndpoint* endpoint : endpoints_) moved |= endpoint->progress();
    if (!leaving_.empty()) dismiss_those_without_endpoints();
    return moved;
  }
  std::size_t max_block_bytes() const override {
    std::size_t least = ~std::size_t{0};
    for (const Rail& rail : rails_) least = std::min(least, rail.transport->max_block_bytes());
    return least - sizeof(Label);
  }

  void announce_sleep() override {
    for (Rail& rail : rails_) rail.transport->announce_sleep();
    auto next = Clock::time_point::max();
    for (const RailsEndpoint* endpoint : endpoints_) next = std::min(next, endpoint->next_look());
    timer_.set(next);
  }
  void announce_wake() override {
    for (Rail& rail : rails_) rail.transport->announce_wake();
    timer_.set(Clock::time_point::max());
  }
  std::vector<int> descriptors() const override {
    std::vector<int> all{timer_.descriptor()};
    for (const Rail& rail : rails_) {
      const std::vector<int> its = rail.transport->descriptors();
      all.insert(all.end(), its.begin(), its.end());
    }
    return all;
  }

 private:
  void dismiss_those_without_endpoints() {
    std::erase_if(leaving_, [&](const Identity& job) {
      const auto of_job = [&](const RailsEndpoint* endpoint) { return endpoint->job() == job; };
      if (std::ranges::any_of(endpoints_, of_job)) return false;
      for (Rail& rail : rails_) rail.transport->dismiss(job);
      return true;
    });
  }

  std::vector<Rail> rails_;
  const std::string name_;
  Timer timer_;
  std::shared_ptr<flow::BufferPool> pool_ = std::make_shared<flow::BufferPool>();
  RailsEndpoint::Endpoints endpoints_;
  std::set<Identity> leaving_;  // jobs to be dismissed with their last endpoints
};

std::unique_ptr<Endpoint> RailsTransport::connect(const Peer& peer) {
  const std::vector<std::string> addresses = parse(peer.address);
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < std::min(addresses.size(), rails_.size()); ++i) {
    Peer on_rail = peer;
    on_rail.address = addresses[i];
    lanes.emplace_back(rails_[i], std::move(on_rail));
  }
  return std::make_unique<RailsEndpoint>(
      std::move(lanes),
      RailsEndpoint::Names{.me = name_, .peer = peer.name, .job = peer.credentials.job}, pool_,
      endpoints_);
}

std::string unavailable_because() {
  return {};
}

std::unique_ptr<Transport> open(const TransportOptions& options) {
  if (options.rails.empty()) {
    throw Error(ErrorCode::unavailable, "there are no two NICs, and MOTET_RAILS names none");
  }
  std::vector<Rail> rails;
  for (const std::string& name : options.rails) {
    TransportOptions on_rail = options;
    on_rail.listen_on.interfaces = name;
    on_rail.block_bytes += sizeof(Label);
    rails.push_back({name, tcp_transport.open(on_rail)});
  }
  return join_rails(std::move(rails), options.name);
}

}  // namespace
}  // namespace rails

std::unique_ptr<Transport> join_rails(std::vector<rails::Rail> rails, const std::string& name) {
  return std::make_unique<rails::RailsTransport>(std::move(rails), name);
}

const TransportInfo rails_transport{
    .name = "rails",
    .unavailable_because = rails::unavailable_because,
    .open = rails::open,
    .only_by_name = true,
    .price = "system calls, and three copies of large blocks, two by the kernel"};

}  // namespace motet
