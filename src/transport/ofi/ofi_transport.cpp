#include "transport/ofi/ofi_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.hpp"
#include "transport/messages/alarm.hpp"
#include "transport/messages/directory.hpp"
#include "transport/messages/memory_endpoint.hpp"
#include "transport/messages/memory_epoch.hpp"
#include "transport/ofi/ofi_wire.hpp"
#include "transport/ofi/peer_address.hpp"
#include "transport/ofi/providers.hpp"
#include "transport/rails/packet.hpp"
#include "transport/rails/rails_transport.hpp"

namespace motet {
namespace ofi {
namespace {

using messages::MessageEndpoint;

// Whether the provider has nothing more to do before sleep is asked so often.
constexpr int looks_before_sleep = 8;
// Sleepers look this often where the provider has nothing to wait for: seldom enough to cost 2 % of
// a core.
constexpr std::chrono::microseconds look_interval(250);

class OfiMemory final : public messages::MemoryWire {
 public:
  OfiMemory(Exchange& exchange, const Route& peer) : exchange_(exchange), peer_(peer) {}

  std::shared_ptr<const void> hold(const void* data, std::size_t bytes) override {
    registered::Held held = exchange_.reads().hold(data, bytes);
    return held == nullptr ? nullptr : std::make_shared<registered::Held>(std::move(held));
  }
  std::shared_ptr<const void> hold_target(void* to, std::size_t bytes) override {
    return exchange_.reads().hold_target(to, bytes);
  }
  std::optional<Location> locate(const void* data, std::size_t bytes) override {
    return exchange_.reads().locate(data, bytes);
  }
  void start(std::shared_ptr<messages::FabricRead> read) override {
    exchange_.reads().start(peer_, std::move(read));
  }
  void give_up() override { exchange_.reads().give_up(peer_); }
  void cut_off() override { exchange_.cut_off(); }

 private:
  Exchange& exchange_;
  const Route& peer_;
};

class OfiTransport final : public Transport, public Withdrawable {
 public:
  OfiTransport(const TransportOptions& options, std::unique_ptr<Domain> domain);
  OfiTransport(const OfiTransport&) = delete;
  OfiTransport& operator=(const OfiTransport&) = delete;

  const std::string& problem() const { return exchange_.problem(); }

  bool shares_memory() const override { return false; }
  std::string address() const override { return to_text(domain_->provider(), domain_->address()); }
  bool reaches(std::string_view peer_address) const override {
    const auto peer = parse(domain_->provider(), peer_address);
    return peer && domain_->may_be_peer(*peer);
  }
  void admit(const Credentials& credentials) override { directory_.admit(credentials); }
  void dismiss(const Identity& job) override { directory_.dismiss(job); }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override;
  bool progress() override;
  std::size_t max_block_bytes() const override { return max_block_bytes_; }
  void announce_sleep() override { sleeping_ = true; }
  void announce_wake() override;
  std::vector<int> descriptors() const override;
  void withdraw() override;

 private:
  Route& find(const Peer& peer);
  bool prepare_sleep();

  const TransportOptions options_;
  const std::unique_ptr<Domain> domain_;
  const std::size_t max_block_bytes_;
  // By address. Never removed: endpoints that come and go name the same peers.
  std::map<std::string, Route> peers_;
  messages::Directory directory_;
  messages::MemoryEpoch epoch_;
  Exchange exchange_;
  messages::Alarm alarm_;
  bool sleeping_ = false;
};

std::size_t block_bytes(const TransportOptions& options, const Domain& domain) {
  return std::min(options.block_bytes, domain.max_message_bytes() - sizeof(messages::Envelope));
}

OfiTransport::OfiTransport(const TransportOptions& options, std::unique_ptr<Domain> domain)
    : options_(options),
      domain_(std::move(domain)),
      max_block_bytes_(block_bytes(options, *domain_)),
      directory_(options.engine),
      exchange_(*domain_, directory_, max_block_bytes_ + sizeof(messages::Envelope)) {
  log(LogLevel::info,
      fmt::format("{} transport=ofi provider=\"{}\" device=\"{}\"", rank_field(options.name),
                  domain_->provider(), domain_->device()));
}

Route& OfiTransport::find(const Peer& peer) {
  const auto known = peers_.find(peer.address);
  if (known != peers_.end()) return known->second;
  const auto address = parse(domain_->provider(), peer.address);
  const auto found = address ? domain_->insert(*address) : std::nullopt;
  if (!found) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: ofi connect to {}: {} is no address of provider {}", options_.name,
                            peer.name, peer.address, domain_->provider()));
  }
  return peers_.emplace(peer.address, Route{.to = *found}).first->second;
}

std::unique_ptr<Endpoint> OfiTransport::connect(const Peer& peer) {
  Route& to = find(peer);
  const MessageEndpoint::Setup setup{
      .transport = "ofi", .me = options_.engine, .max_block_bytes = max_block_bytes_};
  auto wire = std::make_unique<OfiWire>(exchange_, to);
  if (!domain_->reads()) {
    return std::make_unique<MessageEndpoint>(setup, peer, std::move(wire), directory_);
  }
  return std::make_unique<messages::MemoryEndpoint>(
      setup, peer, std::move(wire), directory_,
      messages::MemoryEndpoint::Means{std::make_unique<OfiMemory>(exchange_, to), epoch_});
}

void OfiTransport::withdraw() {
  epoch_.end([this] { return exchange_.advance(); }, [this] { exchange_.reads().clear(); });
}

bool OfiTransport::progress() {
  const bool moved = exchange_.advance();
  directory_.show_life(Clock::now());
  return moved || (sleeping_ && !prepare_sleep());
}

// False: something has moved after all. What a provider has to do inside comes before the words
// that it may be slept on.
bool OfiTransport::prepare_sleep() {
  bool rung = domain_->may_sleep();
  for (int looks = 0; looks < looks_before_sleep && !rung; ++looks) {
    if (exchange_.advance()) return false;
    rung = domain_->may_sleep();
  }
  alarm_.ring_every(rung && !exchange_.waits() ? messages::life_interval : look_interval);
  return true;
}

void OfiTransport::announce_wake() {
  sleeping_ = false;
  alarm_.silence();
}

std::vector<int> OfiTransport::descriptors() const {
  if (domain_->descriptor() < 0) return {alarm_.descriptor()};
  return {domain_->descriptor(), alarm_.descriptor()};
}

std::string unavailable_because() {
  Library library;
  return load(library);
}

std::string explain_failure(const Domain& domain) {
  const std::string_view hint = domain.traits().hint;
  return fmt::format("{}: {}{}{}", domain.provider(), domain.problem(), hint.empty() ? "" : "; ",
                     hint);
}

// On the first offer that keeps what it promises.
std::unique_ptr<Transport> open_one(const Library& library, const TransportOptions& options) {
  std::vector<std::string> problems;
  const DeviceWishes wishes{.names = options.listen_on.interfaces, .numa = options.numa};
  for (Info& offer : offers(library, options.name, options.ofi_provider, wishes)) {
    const bool reads = options.reads_peers && traits_of(offer->fabric_attr->prov_name).reads;
    auto domain = std::make_unique<Domain>(
        library, reads ? with_reading(library, std::move(offer)) : std::move(offer));
    if (!domain->problem().empty()) {
      problems.push_back(explain_failure(*domain));
      continue;
    }
    auto transport = std::make_unique<OfiTransport>(options, std::move(domain));
    if (transport->problem().empty()) return transport;
    problems.push_back(transport->problem());
  }
  throw Error(ErrorCode::unavailable,
              fmt::format("{}: ofi: {}", options.name, fmt::join(problems, "; ")));
}

// Only rails that the user has named: ranks that find another number of NICs by themselves could
// not be reached, and there may be no other transport.
std::unique_ptr<Transport> open(const TransportOptions& options) {
  Library library;
  if (const std::string problem = load(library); !problem.empty()) {
    throw Error(ErrorCode::unavailable, fmt::format("{}: ofi: {}", options.name, problem));
  }
  if (options.named_rails.size() < 2) return open_one(library, options);
  std::vector<rails::Rail> rails;
  for (const std::string& name : options.named_rails) {
    TransportOptions on_rail = options;
    on_rail.listen_on.interfaces = name;
    on_rail.block_bytes += sizeof(rails::Label);
    rails.push_back({name, open_one(library, on_rail)});
  }
  return join_rails(std::move(rails), options.name);
}

}  // namespace
}  // namespace ofi

const TransportInfo ofi_transport{.name = "ofi",
                                  .unavailable_because = ofi::unavailable_because,
                                  .open = ofi::open,
                                  .only_by_name = true};

}  // namespace motet
