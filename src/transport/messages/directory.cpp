#include "transport/messages/directory.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "transport/messages/message_endpoint.hpp"

namespace motet::messages {
namespace {

// Greetings of engines that this rank has not named yet; each has proved that it belongs to the
// job.
constexpr std::size_t early_limit = 4096;
// Anybody can send these.
constexpr std::size_t unproved_limit = 256;

std::uint32_t random_name() {
  const Nonce nonce = fresh_nonce();
  std::uint32_t name = 0;
  std::memcpy(&name, nonce.data(), sizeof name);
  return name;
}

}  // namespace

void Directory::admit(const Credentials& credentials) {
  jobs_[credentials.job] = credentials.key;
  for (const Greeting& greeting : std::exchange(unproved_, {})) greet(greeting);
}

void Directory::dismiss(const Identity& job) {
  jobs_.erase(job);
  std::erase_if(early_, [&](const auto& early) { return early.first.first == job; });
}

std::uint32_t Directory::enter(MessageEndpoint* endpoint) {
  std::uint32_t name = random_name();
  while (name == 0 || !endpoints_.emplace(name, endpoint).second) name = random_name();
  return name;
}

void Directory::look_for_greeting(MessageEndpoint& endpoint) {
  const Transport::Peer& peer = endpoint.peer();
  if (auto early = early_.extract(Caller{peer.credentials.job, peer.engine})) {
    endpoint.greeted(early.mapped());
  }
}

void Directory::deliver(Message message) {
  if (message.envelope.frame.kind == flow::FrameKind::hello) {
    Greeting greeting;
    if (message.payload.size() != greeting.size()) return;
    std::ranges::copy(message.payload, greeting.begin());
    return greet(greeting);
  }
  const auto found = endpoints_.find(message.envelope.to);
  if (found != endpoints_.end()) found->second->deliver(std::move(message));
}

void Directory::greet(const Greeting& greeting) {
  const auto greeted = read_greeting(greeting);
  if (!greeted || greeted->to != me_) return;
  const auto job = jobs_.find(greeted->job);
  if (job == jobs_.end()) {
    if (unproved_.size() == unproved_limit) unproved_.pop_front();
    unproved_.push_back(greeting);
    return;
  }
  if (!is_proved(greeting, job->second)) return;
  const auto meant = std::ranges::find_if(endpoints_, [&](const auto& entry) {
    const MessageEndpoint& endpoint = *entry.second;
    return endpoint.awaits_greeting() && endpoint.peer().engine == greeted->from &&
           endpoint.peer().credentials.job == greeted->job;
  });
  if (meant != endpoints_.end()) {
    meant->second->greeted(greeted->call_me);
  } else if (early_.size() < early_limit) {
    early_.insert_or_assign(Caller{greeted->job, greeted->from}, greeted->call_me);
  }
}

void Directory::show_life(Clock::time_point now) {
  if (now - last_shown_ < std::chrono::seconds(1)) return;
  last_shown_ = now;
  for (const auto& [name, endpoint] : endpoints_) endpoint->show_life();
}

}  // namespace motet::messages
