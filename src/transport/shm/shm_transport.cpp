#include "transport/shm/shm_transport.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "base/error.hpp"
#include "net/own.hpp"
#include "transport/shm/engine.hpp"

namespace motet {
namespace shm {
namespace {

// Address space for blocks beyond the soft limit. At most one is used for each (operation, peer,
// channel) under way.
constexpr std::uint32_t overflow_slots = 4096;
// The kernel is asked for news at every so-manieth progress(), so that this is cheap in a polling
// loop.
constexpr std::uint32_t calls_per_poll = 64;

constexpr std::string_view scheme = "shm";
constexpr char separator = '|';

// One word, so that addresses can stand in a list.
std::string this_machine() {
  std::string machine = machine_identity();
  std::replace(machine.begin(), machine.end(), ' ', ',');
  return machine;
}

// "shm|MACHINE|unix:NAME"
struct ParsedAddress {
  std::string_view machine, unix_address;
};

std::optional<ParsedAddress> parse(std::string_view text) {
  const std::size_t first = text.find(separator);
  const std::size_t last = text.rfind(separator);
  if (first == std::string_view::npos || first == last || text.substr(0, first) != scheme) {
    return std::nullopt;
  }
  return ParsedAddress{text.substr(first + 1, last - first - 1), text.substr(last + 1)};
}

std::uint32_t narrow(std::size_t value) {
  constexpr std::size_t most = ~std::uint32_t{0};
  return static_cast<std::uint32_t>(std::min(value, most));
}

Sizes sizes_from(const TransportOptions& options) {
  return {.ring_lines = narrow(options.ring_lines),
          .ring_bytes = narrow(options.ring_bytes),
          .slots = options.slots < 0 ? 0 : static_cast<std::uint32_t>(options.slots),
          .overflow_slots = overflow_slots,
          .block_bytes = narrow(options.block_bytes)};
}

class ShmTransport final : public Transport,
                           public GroupSend,
                           public SharedMemory,
                           public Withdrawable {
 public:
  explicit ShmTransport(const TransportOptions& options)
      : listener_(Listener::local()),
        engine_(std::make_shared<ShmEngine>(options, sizes_from(options))) {
    engine_->watch(listener_.descriptor(), ShmEngine::listener_tag);
  }
  ~ShmTransport() override { engine_->close(); }
  ShmTransport(const ShmTransport&) = delete;
  ShmTransport& operator=(const ShmTransport&) = delete;

  bool shares_memory() const override { return true; }
  std::string address() const override {
    return fmt::format("{}{}{}{}{}", scheme, separator, this_machine(), separator,
                       listener_.addresses().front());
  }
  bool reaches(std::string_view peer_address) const override {
    const std::optional<ParsedAddress> peer = parse(peer_address);
    return peer && peer->machine == this_machine();
  }
  void admit(const Credentials& credentials) override {
    listener_.admit(credentials, engine_->identity());
  }
  void dismiss(const Identity& job) override {
    listener_.dismiss(job);
    engine_->dismiss(job);
  }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override {
    const std::optional<ParsedAddress> address = parse(peer.address);
    if (!address) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{}: shm connect to {}: \"{}\" is no address of shared memory",
                              engine_->name(), peer.name, peer.address));
    }
    return std::make_unique<ShmEndpoint>(engine_, peer, Address(address->unix_address));
  }
  bool progress() override {
    const bool poll = engine_->needs_poll() || ++calls_ % calls_per_poll == 0;
    const bool changed = engine_->progress(poll);
    return (engine_->take_listener_news() && accept()) || changed;
  }
  std::size_t max_block_bytes() const override {
    return engine_->segment().layout().sizes().block_bytes;
  }
  void announce_sleep() override { engine_->announce_sleep(); }
  void announce_wake() override { engine_->announce_wake(); }
  std::vector<int> descriptors() const override { return engine_->descriptors(); }

  void send_to_all(std::span<Outgoing> outgoing, const void* data) override {
    engine_->send_to_all(outgoing, data);
  }

  void* allocate(std::size_t bytes) override { return engine_->regions().allocate(bytes); }
  void free(void* memory) override { engine_->forget_region(engine_->regions().free(memory)); }
  void add(void* address, std::size_t bytes, int descriptor, std::uint64_t offset) override {
    engine_->regions().add(address, bytes, descriptor, offset);
  }
  void remove(void* address) override {
    engine_->forget_region(engine_->regions().remove(address));
  }
  void withdraw() override { engine_->withdraw(); }

 private:
  bool accept() {
    bool accepted = false;
    for (Connection& connection : listener_.advance()) {
      if (connection.purpose != Purpose::shm) continue;
      engine_->accept(std::move(connection));
      accepted = true;
    }
    return accepted;
  }

  Listener listener_;
  std::shared_ptr<ShmEngine> engine_;
  std::uint32_t calls_ = 0;
};

std::string unavailable_because() {
  // No Descriptor: who only asks may still fork and use Motet in the child.
  const int memory = memfd_create("motet-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory >= 0) {
    close(memory);
    return "";
  }
  return "memfd_create failed: " + std::generic_category().message(errno);
}

std::unique_ptr<Transport> open(const TransportOptions& options) {
  guard_against_fork();
  return std::make_unique<ShmTransport>(options);
}

}  // namespace
}  // namespace shm

constinit const TransportInfo shm_transport{
    .name = "shm", .unavailable_because = shm::unavailable_because, .open = shm::open};

}  // namespace motet
