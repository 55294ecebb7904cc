#include "transport/tcp/tcp_transport.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <utility>

#include "transport/tcp/tcp_endpoint.hpp"

namespace motet {
namespace tcp {
namespace {

// To so many peers an empty read each costs less than asking epoll which of them to read.
constexpr std::size_t few_peers = 2;
// Passes without a look at the listener, which only matters when somebody new comes.
constexpr int direct_passes = 64;
// A system call for each peer.
constexpr std::chrono::seconds between_looks{1};
// Connections of engines that this rank has not named yet; each has proved that it belongs to the
// job.
constexpr std::size_t early_limit = 4096;

constexpr std::string_view address_prefix = "tcp";

// "tcp;IDENTITY;10.0.0.7:4711;[::1]:4711": who listens where.
std::string to_text(const Identity& engine, const std::vector<Address>& addresses) {
  std::string text = std::string(address_prefix) + ';' + engine.to_text();
  for (const Address& address : addresses) text += ';' + address;
  return text;
}

// The addresses; empty if the text is no tcp address.
std::vector<Address> parse(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string word;
  if (!std::getline(words, word, ';') || word != address_prefix) return {};
  if (!std::getline(words, word, ';')) return {};
  std::vector<Address> addresses;
  while (std::getline(words, word, ';')) addresses.push_back(word);
  return addresses;
}

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(const TransportOptions& options)
      : me_(options.engine),
        max_block_bytes_(options.block_bytes),
        listener_(Listener::tcp(options.listen_on)) {
    table_.watch_listener(listener_.descriptor());
  }

  bool shares_memory() const override { return false; }
  std::string address() const override { return to_text(me_, listener_.addresses()); }
  bool reaches(std::string_view peer_address) const override {
    return !parse(peer_address).empty();
  }
  void admit(const Credentials& credentials) override { listener_.admit(credentials, me_); }
  void dismiss(const Identity& job) override {
    listener_.dismiss(job);
    std::erase_if(early_, [&](const auto& early) { return early.first.first == job; });
  }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override;
  bool progress() override;
  std::size_t max_block_bytes() const override { return max_block_bytes_; }
  void announce_sleep() override;
  void announce_wake() override {}
  std::vector<int> descriptors() const override { return {table_.descriptor()}; }

 private:
  bool drive_events();
  bool drive(const epoll_event& event);
  bool accept();

  Identity me_;
  std::size_t max_block_bytes_;
  std::shared_ptr<BufferPool> pool_ =
      std::make_shared<BufferPool>();  // outlived by blocks set aside
  Listener listener_;
  ConnectionTable table_;

  using Caller = std::pair<Identity, Identity>;  // job and engine
  std::map<Caller, Connection> early_;           // who dialled before connect() was called here

  bool look_around_ = false;  // before sleep: leave nothing out
  int passes_ = 0;
  Clock::time_point next_look_ = Clock::time_point::min();
};

std::unique_ptr<Endpoint> TcpTransport::connect(const Peer& peer) {
  std::optional<Dialler> dialler;
  if (me_ < peer.engine) {
    dialler.emplace(Dialler::Target{.addresses = parse(peer.address),
                                    .purpose = Purpose::tcp,
                                    .from = me_,
                                    .to = peer.engine},
                    peer.credentials);
  }
  auto endpoint =
      std::make_unique<TcpEndpoint>(peer, std::move(dialler), max_block_bytes_, pool_, table_);
  if (auto early = early_.extract(Caller{peer.credentials.job, peer.engine})) {
    endpoint->attach(std::move(early.mapped()));
  }
  return endpoint;
}

bool TcpTransport::progress() {
  if (table_.connecting().empty() && !table_.connected().empty() &&
      table_.connected().size() <= few_peers && !look_around_ && ++passes_ % direct_passes != 0) {
    return any_of_each(table_.connected(), [](TcpEndpoint& e) { return e.read() | e.flush(); });
  }
  look_around_ = false;
  return drive_events();
}

void TcpTransport::announce_sleep() {
  look_around_ = true;
  const auto now = Clock::now();
  if (now < next_look_) return;
  next_look_ = now + between_looks;
  any_of_each(table_.connected(), [](TcpEndpoint& e) { return e.look_for_silence(); });
}

bool TcpTransport::drive_events() {
  bool moved = false;
  for (const epoll_event& event : table_.events()) moved |= drive(event);
  return moved;
}

bool TcpTransport::drive(const epoll_event& event) {
  if (event.data.u64 == ConnectionTable::listener) return accept();
  if (event.data.u64 == ConnectionTable::lingering) {
    table_.advance_lingering();
    return false;
  }
  return static_cast<TcpEndpoint*>(event.data.ptr)->drive(event.events);
}

bool TcpTransport::accept() {
  bool moved = false;
  for (Connection& connection : listener_.advance()) {
    if (connection.purpose != Purpose::tcp) continue;
    moved = true;
    const auto& waiting = table_.connecting();
    const auto meant = std::find_if(waiting.begin(), waiting.end(), [&](const TcpEndpoint* e) {
      return e->peer().engine == connection.peer && e->peer().credentials.job == connection.job;
    });
    if (meant != waiting.end()) {
      (*meant)->attach(std::move(connection));
    } else if (early_.size() < early_limit) {
      const Caller caller{connection.job, connection.peer};
      early_.insert_or_assign(caller, std::move(connection));
    }
  }
  return moved;
}

std::string unavailable_because() {
  return {};
}

std::unique_ptr<Transport> open(const TransportOptions& options) {
  return std::make_unique<TcpTransport>(options);
}

}  // namespace
}  // namespace tcp

const TransportInfo tcp_transport{.name = "tcp",
                                  .unavailable_because = tcp::unavailable_because,
                                  .open = tcp::open,
                                  .price = "system calls, and two copies by the kernel"};

}  // namespace motet
