#include "bootstrap/hub_server.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "net/socket.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

// A dying process closes its descriptors a moment before it has ended; and on a busy machine that
// it has ended is seen before what it said last, which the end of its connection comes after.
constexpr auto grace = 500ms;
// Handed out by the listener, but nothing said yet: as many as ranks, and some that dial again.
constexpr std::size_t spare_connections = 64;

// Tags: the lines of a rank (its number), its process, or a newcomer.
constexpr std::uint64_t timer_tag = ~std::uint64_t{0};
constexpr std::uint64_t listener_tag = ~std::uint64_t{1};
constexpr std::uint64_t process_bit = std::uint64_t{1} << 62U;
constexpr std::uint64_t newcomer_bit = std::uint64_t{1} << 61U;

Rank rank_of(std::uint64_t tag) {
  return static_cast<Rank>(tag & ~process_bit);
}

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

std::vector<Address> HubServer::addresses_of(const std::string& interface) const {
  return local_addresses(port_of(parse_address(listener_.addresses().front())), interface);
}

bool HubServer::advance() {
  for (const Poller::Event event : poller_.wait(0ms)) {
    if (event.tag == timer_tag) continue;
    if (event.tag == listener_tag) {
      accept();
    } else if ((event.tag & newcomer_bit) != 0) {
      hear(event.tag & ~newcomer_bit);
    } else if ((event.tag & process_bit) != 0) {
      process_ended(rank_of(event.tag));
    } else {
      serve(rank_of(event.tag));
    }
  }
  const auto now = Clock::now();
  dismiss_ended(now);
  auto next = hub_.tick(now);
  for (const auto& [rank, member] : members_) {
    if (member.ends_by) next = std::min(next, *member.ends_by);
  }
  timer_.set(next);
  return !hub_.finished();
}

void HubServer::accept() {
  for (Connection& connection : listener_.advance()) {
    const auto most = static_cast<std::size_t>(world_size_) + spare_connections;
    if (connection.purpose != Purpose::health || newcomers_.size() >= most) continue;
    limit_silence(connection.socket.get());
    const std::uint64_t id = next_newcomer_++;
    if (!poller_.try_add(connection.socket.get(), EPOLLIN, id | newcomer_bit)) continue;
    newcomers_.try_emplace(
        id, Newcomer{FramedSocket(std::move(connection.socket), longest_health_frame),
                     connection.peer});
  }
}

// A connection's first words say whose it is.
void HubServer::hear(std::uint64_t id) {
  const auto found = newcomers_.find(id);
  if (found == newcomers_.end()) return;
  const auto frame = found->second.socket.receive();
  if (!frame && !found->second.socket.broken()) return;
  poller_.remove(found->second.socket.descriptor());
  Newcomer newcomer = std::move(newcomers_.extract(found).mapped());
  const auto words = frame ? decode_health_message(*frame) : std::nullopt;
  if (words && words->rank >= 0 && words->rank < world_size_) admit(std::move(newcomer), *words);
}

void HubServer::admit(Newcomer newcomer, const HealthMessage& words) {
  const auto member = members_.find(words.rank);
  if (words.call == HealthCall::join && member == members_.end()) {
    return join(std::move(newcomer), words);
  }
  // Of a rank that has been given up no line counts any more.
  if (words.call != HealthCall::another_line || member == members_.end()) return;
  if (member->second.engine != newcomer.engine) return;
  member->second.lines.add(std::move(newcomer.socket), HealthLines::Standing::agreed);
}

void HubServer::join(Newcomer newcomer, const HealthMessage& words) {
  HealthLines lines(poller_, static_cast<std::uint64_t>(words.rank));
  if (!lines.add(std::move(newcomer.socket), HealthLines::Standing::agreed)) return;
  const auto& member =
      members_
          .try_emplace(words.rank, Member{std::move(lines), newcomer.engine, words.process,
                                          watch_process(words.process)})
          .first->second;
  const auto tag = static_cast<std::uint64_t>(words.rank) | process_bit;
  if (member.process) poller_.try_add(member.process.get(), EPOLLIN, tag);
  hub_.handle(words.rank, words, Clock::now());
}

void HubServer::serve(Rank rank) {
  const auto found = members_.find(rank);
  if (found == members_.end()) return;
  HealthLines& lines = found->second.lines;
  lines.flush();
  while (const auto frame = lines.receive()) {
    const auto message = decode_health_message(*frame);
    if (!message) return dismiss(rank, "speaks another version of Motet, or nonsense");
    hub_.handle(rank, *message, Clock::now());
    if (message->call == HealthCall::goodbye) return remove(rank);
  }
  if (lines.lost()) connections_ended(found->second);
}

void HubServer::process_ended(Rank rank) {
  // What it said before it ended comes first: it may have been a goodbye.
  serve(rank);
  const auto found = members_.find(rank);
  if (found == members_.end()) return;
  Member& member = found->second;
  member.ended = "is gone" + how_it_ended(member.identity, member.process);
  poller_.remove(member.process.get());
  member.ends_by = Clock::now() + (member.lines.lost() ? 0ms : grace);
}

// Without a goodbye.
void HubServer::dismiss(Rank rank, const std::string& how) {
  remove(rank);
  hub_.died(rank, how);
}

void HubServer::connections_ended(Member& member) {
  const auto now = Clock::now();
  const bool is_over = member.ended || !member.process;
  if (is_over || !member.ends_by) member.ends_by = now + (is_over ? 0ms : grace);
}

void HubServer::dismiss_ended(Clock::time_point now) {
  std::vector<Rank> over;
  for (const auto& [rank, member] : members_) {
    if (member.ends_by && *member.ends_by <= now) over.push_back(rank);
  }
  for (const Rank rank : over) {
    const Member& member = members_.at(rank);
    if (member.ended) {
      dismiss(rank, std::string(*member.ended));
    } else if (member.process) {
      dismiss(rank, "has closed its health connection");
    } else {
      dismiss(rank, fmt::format("is gone (connection to rank 0: {})", member.lines.why()));
    }
  }
}

void HubServer::remove(Rank rank) {
  const auto found = members_.find(rank);
  if (found == members_.end()) return;
  if (found->second.process) poller_.remove(found->second.process.get());
  members_.erase(found);
}

void HubServer::send(Rank rank, const HealthMessage& message) {
  const auto found = members_.find(rank);
  if (found != members_.end()) found->second.lines.send(encode(message));
}

}  // namespace motet
