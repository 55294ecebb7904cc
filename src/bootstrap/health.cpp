#include "bootstrap/health.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <utility>

#include "bootstrap/hub_server.hpp"
#include "bootstrap/member_link.hpp"
#include "net/socket.hpp"
#include "net/wire.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

constexpr const char* hub_key = "health/hub-of-rank-0";
constexpr auto longest_answer = 2s;  // of the hub, asked who is missing
constexpr std::size_t most_addresses = 256;

struct HubAddress {
  Identity engine;
  std::vector<Address> addresses;
  std::string problem{};  // why there is no hub
};

std::string encode(const HubAddress& hub) {
  WireWriter writer;
  writer.text(hub.engine.to_text()).text(hub.problem);
  writer.number(static_cast<std::uint32_t>(hub.addresses.size()));
  for (const Address& address : hub.addresses) writer.text(address);
  return writer.take();
}

// Throws Error{invalid_argument} if the store holds something else.
HubAddress decode_hub_address(const std::string& text) {
  WireReader reader(text);
  HubAddress hub;
  hub.engine = Identity::from_text(reader.text());
  hub.problem = reader.text();
  const auto count = reader.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && i < most_addresses && reader.good(); ++i) {
    hub.addresses.emplace_back(reader.text());
  }
  return hub;
}

// The next message, or nothing when the deadline has passed. Throws Error{peer_lost}.
std::optional<HealthMessage> receive(FramedSocket& socket, Rank rank, const Deadline& deadline) {
  while (true) {
    socket.flush();
    if (const auto frame = socket.receive()) return decode_health_message(*frame);
    if (socket.broken()) {
      throw Error(ErrorCode::peer_lost,
                  fmt::format("rank {}: joining: rank 0 has ended (health connection: {})", rank,
                              socket.why()));
    }
    const auto wishes = static_cast<short>(socket.has_unsent() ? POLLIN | POLLOUT : POLLIN);
    if (!wait_for(socket.descriptor(), wishes, deadline)) return {};
  }
}

FramedSocket connect_to_hub(const Health::Member& member, const Credentials& credentials,
                            const HubAddress& hub, const Deadline& deadline) {
  if (!hub.problem.empty()) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("rank {}: joining: rank 0 has no health hub: {}", member.rank, hub.problem));
  }
  Dialler dialler({hub.addresses, Purpose::health, member.engine, hub.engine}, credentials);
  auto connection = dialler.wait(deadline);
  if (!connection) {
    throw Error(ErrorCode::timeout,
                fmt::format("rank {}: joining: no health connection to rank 0: {}", member.rank,
                            dialler.problem()));
  }
  limit_silence(connection->socket.get());
  return FramedSocket(std::move(connection->socket), longest_health_frame);
}

// Waits until everybody is there; gives the hub's process.
ProcessIdentity wait_for_everybody(FramedSocket& socket, Rank rank, const Deadline& deadline) {
  auto reply = receive(socket, rank, deadline);
  if (!reply) {
    socket.send(encode(HealthMessage{.call = HealthCall::who_is_missing}));
    reply = receive(socket, rank, Deadline::after(longest_answer));
  }
  if (!reply) {
    throw Error(ErrorCode::timeout, fmt::format("rank {}: joining: rank 0 does not answer", rank));
  }
  if (reply->call == HealthCall::ready) return reply->process;
  throw Error(reply->code, fmt::format("rank {}: joining: {}", rank, reply->text));
}

}  // namespace

class Health::State {
 public:
  State(const Member& member, FramedSocket socket, const ProcessIdentity& hub)
      : link_(std::make_shared<MemberLink>(member.rank, std::move(socket), hub)),
        task_(HealthThread::of_this_process().add(link_)) {}

  ~State() {
    // A forked child has neither that thread nor the connection.
    if (is_forked_child()) return;
    link_->say_goodbye();
    HealthThread::of_this_process().remove(task_);
  }

  MemberLink& link() { return *link_; }

 private:
  std::shared_ptr<MemberLink> link_;
  std::uint64_t task_;
};

namespace {

// Rank 0's hub, taken back if joining fails.
class StartedHub {
 public:
  StartedHub(const Health::Member& member, const Credentials& credentials, Store& store) {
    HubAddress address{member.engine, {}};
    try {
      auto hub = std::make_shared<HubServer>(credentials, member);
      address.addresses = hub->addresses();
      task_ = HealthThread::of_this_process().add(std::move(hub));
    } catch (const Error& error) {
      address.problem = error.what();  // which the others and this rank read in the store
    }
    store.set(hub_key, encode(address));
  }
  ~StartedHub() {
    if (task_ != 0) HealthThread::of_this_process().remove(task_);
  }
  StartedHub(const StartedHub&) = delete;
  StartedHub& operator=(const StartedHub&) = delete;
  void keep() { task_ = 0; }

 private:
  std::uint64_t task_ = 0;
};

}  // namespace

std::unique_ptr<Health> Health::join(const Member& member, const Credentials& credentials,
                                     Store& store, const Deadline& deadline) {
  if (is_forked_child())
    throw Error(ErrorCode::unavailable, "Motet cannot be used in a forked child");
  std::optional<StartedHub> hub;
  if (member.rank == 0) hub.emplace(member, credentials, store);
  FramedSocket socket = connect_to_hub(member, credentials,
                                       decode_hub_address(store.get(hub_key, deadline)), deadline);
  HealthMessage join{.call = HealthCall::join, .rank = member.rank};
  join.process = ProcessIdentity::self();
  socket.send(encode(join));
  const ProcessIdentity hub_process = wait_for_everybody(socket, member.rank, deadline);
  auto state = std::make_unique<State>(member, std::move(socket), hub_process);
  if (hub) hub->keep();
  return std::unique_ptr<Health>(new Health(std::move(state)));
}

Health::Health(std::unique_ptr<State> state) : state_(std::move(state)) {}
Health::~Health() = default;

void Health::watch(std::uint32_t communicator, std::vector<Rank> members,
                   std::shared_ptr<const CallLog> log,
                   std::function<void(const Verdict&)> on_verdict) {
  state_->link().watch(communicator, std::move(members), std::move(log), std::move(on_verdict));
}

void Health::unwatch(std::uint32_t communicator) {
  state_->link().unwatch(communicator);
}

void Health::report_wait(std::uint32_t communicator, std::uint64_t sequence) {
  state_->link().report_wait(communicator, sequence);
}

void Health::report_failure(std::uint32_t communicator, const Verdict& verdict) {
  state_->link().report_failure(communicator, verdict);
}

std::string Health::where_is_everybody(std::uint32_t communicator, std::uint64_t sequence,
                                       const Deadline& deadline) {
  return state_->link().ask_where(communicator, sequence, deadline);
}

}  // namespace motet
