#include "bootstrap/health.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
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
constexpr std::size_t most_rails = 64;

struct HubAddress {
  Identity engine;
  std::vector<Address> addresses;
  std::vector<std::vector<Address>> rails{};  // each rail's, for further lines
  std::string problem{};                      // why there is no hub
};

void put(WireWriter& writer, const std::vector<Address>& addresses) {
  writer.number(static_cast<std::uint32_t>(addresses.size()));
  for (const Address& address : addresses) writer.text(address);
}

std::vector<Address> take_addresses(WireReader& reader) {
  std::vector<Address> addresses;
  const auto count = std::min<std::size_t>(reader.number<std::uint32_t>(), most_addresses);
  for (std::size_t i = 0; i < count && reader.good(); ++i) addresses.emplace_back(reader.text());
  return addresses;
}

std::string encode(const HubAddress& hub) {
  WireWriter writer;
  writer.text(hub.engine.to_text()).text(hub.problem);
  put(writer, hub.addresses);
  writer.number(static_cast<std::uint32_t>(hub.rails.size()));
  for (const std::vector<Address>& rail : hub.rails) put(writer, rail);
  return writer.take();
}

// Throws Error{invalid_argument} if the store holds something else.
HubAddress decode_hub_address(const std::string& text) {
  WireReader reader(text);
  HubAddress hub;
  hub.engine = Identity::from_text(reader.text());
  hub.problem = reader.text();
  hub.addresses = take_addresses(reader);
  const auto rails = std::min<std::size_t>(reader.number<std::uint32_t>(), most_rails);
  for (std::size_t i = 0; i < rails && reader.good(); ++i) {
    hub.rails.push_back(take_addresses(reader));
  }
  return hub;
}

// The next message, or nothing when the deadline has passed. Throws Error{peer_lost}.
std::optional<HealthMessage> receive(MemberLink::Lines& hub, Rank rank, const Deadline& deadline) {
  while (true) {
    hub.lines.flush();
    if (const auto frame = hub.lines.receive()) return decode_health_message(*frame);
    if (hub.lines.lost()) {
      throw Error(ErrorCode::peer_lost,
                  fmt::format("rank {}: joining: rank 0 has ended (health connection: {})", rank,
                              hub.lines.why()));
    }
    if (!wait_for(hub.poller->descriptor(), POLLIN, deadline)) return {};
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

// Says who this is, as the first words on its first line.
MemberLink::Lines introduce(const Health::Member& member, const Credentials& credentials,
                            const HubAddress& hub, FramedSocket socket) {
  HealthMessage join{.call = HealthCall::join, .rank = member.rank};
  join.process = ProcessIdentity::self();
  auto poller = std::make_unique<Poller>();
  HealthLines lines(*poller, MemberLink::line_tag);
  if (!lines.add(std::move(socket), HealthLines::Standing::proposed, encode(join))) {
    throw system_error("watching the health connection", errno);
  }
  return {std::move(poller), std::move(lines), {hub.rails, member.engine, hub.engine, credentials}};
}

// Waits until everybody is there; gives the hub's process.
ProcessIdentity wait_for_everybody(MemberLink::Lines& hub, Rank rank, const Deadline& deadline) {
  auto reply = receive(hub, rank, deadline);
  if (!reply) {
    hub.lines.send(encode(HealthMessage{.call = HealthCall::who_is_missing}));
    reply = receive(hub, rank, Deadline::after(longest_answer));
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
  State(const Member& member, MemberLink::Lines lines, const ProcessIdentity& hub)
      : link_(std::make_shared<MemberLink>(member.rank, std::move(lines), hub)),
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
      for (const std::string& rail : member.rails) {
        if (has_address(rail)) address.rails.push_back(hub->addresses_of(rail));
      }
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
  const HubAddress address = decode_hub_address(store.get(hub_key, deadline));
  MemberLink::Lines lines = introduce(member, credentials, address,
                                      connect_to_hub(member, credentials, address, deadline));
  const ProcessIdentity hub_process = wait_for_everybody(lines, member.rank, deadline);
  auto state = std::make_unique<State>(member, std::move(lines), hub_process);
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
