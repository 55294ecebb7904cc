#include "bootstrap/hub_server.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "net/socket.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

// A dying process closes its descriptors a moment before it has ended.
constexpr auto grace_after_close = 300ms;
// Handed out by the listener, but nothing said yet: as many as ranks, and some that dial again.
constexpr std::size_t spare_connections = 64;

// Tags: the connection of a member, or its process.
constexpr std::uint64_t timer_tag = ~std::uint64_t{0};
constexpr std::uint64_t listener_tag = ~std::uint64_t{1};
constexpr std::uint64_t process_bit = std::uint64_t{1} << 62U;

}  // namespace

HubServer::HubServer(const Credentials& credentials, const Health::Member& me)
    : world_size_(me.world_size),
      listener_(Listener::tcp(me.listen_on)),
      hub_(me.world_size,
           [this](Rank rank, const HealthMessage& message) { send(rank, message); }) {
  listener_.admit(credentials, me.engine);
  poller_.add(listener_.descriptor(), EPOLLIN, listener_tag);
  poller_.add(timer_.descriptor(), EPOLLIN, timer_tag);
}

bool HubServer::advance() {
  for (const Poller::Event event : poller_.wait(0ms)) {
    if (event.tag == timer_tag) continue;
    if (event.tag == listener_tag) {
      accept();
    } else if ((event.tag & process_bit) != 0) {
      process_ended(event.tag & ~process_bit);
    } else if (const auto found = members_.find(event.tag); found != members_.end()) {
      serve(event.tag, found->second);
    }
  }
  const auto now = Clock::now();
  expire_closed(now);
  auto next = hub_.tick(now);
  for (const auto& [id, member] : members_) {
    if (member.closed_until) next = std::min(next, *member.closed_until);
  }
  timer_.set(next);
  return !hub_.finished();
}

void HubServer::accept() {
  for (Connection& connection : listener_.advance()) {
    const auto most = static_cast<std::size_t>(world_size_) + spare_connections;
    if (connection.purpose != Purpose::health || members_.size() >= most) continue;
    limit_silence(connection.socket.get());
    const std::uint64_t id = next_id_++;
    if (!poller_.try_add(connection.socket.get(), EPOLLIN, id)) continue;
    members_.try_emplace(id, std::move(connection.socket));
  }
}

void HubServer::serve(std::uint64_t id, Member& member) {
  member.socket.flush();
  while (const auto frame = member.socket.receive()) {
    const auto message = decode_health_message(*frame);
    if (!message) return dismiss(id, "speaks another version of Motet, or nonsense");
    handle(id, member, *message);
    if (!members_.contains(id)) return;  // it said goodbye, or something else than its name first
  }
  if (member.socket.broken()) return connection_ended(member);
  wish(id);
}

void HubServer::handle(std::uint64_t id, Member& member, const HealthMessage& message) {
  if (!member.rank && !admit(id, member, message)) return remove(id);
  const Rank rank = *member.rank;
  hub_.handle(rank, message, Clock::now());
  if (message.call == HealthCall::goodbye) remove(id);
}

// A rank's first words say who it is.
bool HubServer::admit(std::uint64_t id, Member& member, const HealthMessage& message) {
  const bool valid = message.call == HealthCall::join && message.rank >= 0 &&
                     message.rank < world_size_ && !by_rank_.contains(message.rank);
  if (!valid) return false;
  member.rank = message.rank;
  member.identity = message.process;
  by_rank_.emplace(message.rank, id);
  member.process = watch_process(message.process);
  if (member.process) poller_.try_add(member.process.get(), EPOLLIN, id | process_bit);
  return true;
}

void HubServer::process_ended(std::uint64_t id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  // What it said before it ended comes first: it may have been a goodbye.
  serve(id, found->second);
  const auto still = members_.find(id);
  if (still == members_.end()) return;
  dismiss(id, "is gone" + how_it_ended(still->second.identity, still->second.process));
}

// Without a goodbye.
void HubServer::dismiss(std::uint64_t id, const std::string& how) {
  const auto rank = members_.at(id).rank;
  remove(id);
  if (rank) hub_.died(*rank, how);
}

void HubServer::connection_ended(Member& member) {
  if (member.closed_until) return;
  poller_.remove(member.socket.descriptor());
  const auto grace = member.process ? Clock::duration(grace_after_close) : Clock::duration::zero();
  member.closed_until = Clock::now() + grace;
}

void HubServer::expire_closed(Clock::time_point now) {
  std::vector<std::uint64_t> over;
  for (const auto& [id, member] : members_) {
    if (member.closed_until && *member.closed_until <= now) over.push_back(id);
  }
  for (const std::uint64_t id : over) {
    const Member& member = members_.at(id);
    dismiss(id, member.process
                    ? "has closed its health connection"
                    : fmt::format("is gone (connection to rank 0: {})", member.socket.why()));
  }
}

void HubServer::remove(std::uint64_t id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  const Member& member = found->second;
  poller_.remove(member.socket.descriptor());
  if (member.process) poller_.remove(member.process.get());
  if (member.rank) by_rank_.erase(*member.rank);
  members_.erase(found);
}

void HubServer::send(Rank rank, const HealthMessage& message) {
  const auto found = by_rank_.find(rank);
  if (found == by_rank_.end()) return;
  members_.at(found->second).socket.send(encode(message));
  wish(found->second);
}

void HubServer::wish(std::uint64_t id) {
  const Member& member = members_.at(id);
  if (member.closed_until) return;
  const std::uint32_t events = member.socket.has_unsent() ? EPOLLIN | EPOLLOUT : EPOLLIN;
  poller_.change(member.socket.descriptor(), events, id);
}

}  // namespace motet
