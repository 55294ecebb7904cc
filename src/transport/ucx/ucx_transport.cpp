#include "transport/ucx/ucx_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "transport/messages/alarm.hpp"
#include "transport/messages/directory.hpp"
#include "transport/messages/memory_endpoint.hpp"
#include "transport/messages/memory_epoch.hpp"
#include "transport/ucx/address.hpp"
#include "transport/ucx/connection.hpp"
#include "transport/ucx/library.hpp"
#include "transport/ucx/memory.hpp"
#include "transport/ucx/worker.hpp"

namespace motet {
namespace ucx {
namespace {

// Passes between looks at the clock, in a rank that does not sleep.
constexpr int passes_per_look = 256;

constexpr std::size_t longest_control =
    std::max(messages::greeting_bytes, flow::max_credits * sizeof(flow::Credit));

class UcxTransport final : public Transport, public Withdrawable {
 public:
  explicit UcxTransport(const TransportOptions& options)
      : setup_{.transport = "ucx", .me = options.engine, .max_block_bytes = options.block_bytes},
        worker_(std::make_shared<Worker>(std::max(options.block_bytes, longest_control))),
        reads_peers_(options.reads_peers && (options.reads_at_any_price || worker_->has_rdma())),
        directory_(options.engine) {}

  bool shares_memory() const override { return false; }
  std::string address() const override { return to_text(worker_->address()); }
  bool reaches(std::string_view peer_address) const override {
    return !parse_address(peer_address).empty();
  }
  void admit(const Credentials& credentials) override { directory_.admit(credentials); }
  void dismiss(const Identity& job) override { directory_.dismiss(job); }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override;
  bool progress() override;
  std::size_t max_block_bytes() const override { return setup_.max_block_bytes; }
  void announce_sleep() override;
  void announce_wake() override { alarm_.silence(); }
  void withdraw() override;
  std::vector<int> descriptors() const override {
    return {worker_->descriptor(), alarm_.descriptor()};
  }

 private:
  const messages::MessageEndpoint::Setup setup_;
  const std::shared_ptr<Worker> worker_;  // outlived by messages that lie in its memory
  const bool reads_peers_;
  Memory memory_{*worker_};
  Connections connections_{*worker_};
  messages::Directory directory_;
  messages::MemoryEpoch epoch_;
  messages::Alarm alarm_;  // for who sleeps longer than the engine does
  int passes_ = 0;
};

std::unique_ptr<Endpoint> UcxTransport::connect(const Peer& peer) {
  const std::string address = parse_address(peer.address);
  if (address.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("ucx: {} has no address of UCX: {}", peer.name, peer.address));
  }
  std::unique_ptr<messages::Wire> wire = connections_.connect(address);
  if (!reads_peers_) {
    return std::make_unique<messages::MessageEndpoint>(setup_, peer, std::move(wire), directory_);
  }
  auto memory = memory_.open(connections_.last());
  return std::make_unique<messages::MemoryEndpoint>(
      setup_, peer, std::move(wire), directory_,
      messages::MemoryEndpoint::Means{std::move(memory), epoch_});
}

void UcxTransport::withdraw() {
  epoch_.end([this] { return progress(); }, [this] { memory_.clear(); });
}

bool UcxTransport::progress() {
  bool moved = worker_->progress();
  for (; worker_->has_arrivals(); moved = true) directory_.deliver(worker_->take());
  moved |= memory_.serve();
  moved |= connections_.sweep();
  if (++passes_ % passes_per_look == 0) directory_.show_life(Clock::now());
  return moved;
}

void UcxTransport::announce_sleep() {
  directory_.show_life(Clock::now());
  alarm_.ring_every(messages::life_interval);
  worker_->arm();
}

std::unique_ptr<Transport> open(const TransportOptions& options) {
  return std::make_unique<UcxTransport>(options);
}

}  // namespace
}  // namespace ucx

const TransportInfo ucx_transport{.name = "ucx",
                                  .unavailable_because = ucx::why_not_loaded,
                                  .open = ucx::open,
                                  .only_by_name = true};

}  // namespace motet
