#include "transport/messages/directory.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "transport/messages/message_endpoint.hpp"

namespace motet::messages {

using flow::FrameKind;

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
  for (const Unproved& said : std::exchange(unproved_, {})) hear(said);
}

void Directory::dismiss(const Identity& job) {
  jobs_.erase(job);
  std::erase_if(early_, [&](const auto& early) { return early.first.first == job; });
  std::erase_if(taken_back_, [&](const Name& name) { return name.first.first == job; });
}

std::uint32_t Directory::enter(MessageEndpoint* endpoint) {
  std::uint32_t name = random_name();
  while (name == 0 || !endpoints_.emplace(name, endpoint).second) name = random_name();
  return name;
}

Directory::Caller Directory::caller_of(const MessageEndpoint& endpoint) {
  return {endpoint.peer().credentials.job, endpoint.peer().engine};
}

void Directory::look_for_greeting(MessageEndpoint& endpoint) {
  if (auto early = early_.extract(caller_of(endpoint))) endpoint.greeted(early.mapped());
}

void Directory::deliver(Message message) {
  const auto [frame, to, number] = message.envelope;
  if (frame.kind == FrameKind::hello || (frame.kind == FrameKind::goodbye && to == 0)) {
    Unproved said{.kind = frame.kind, .greeting = {}};
    if (message.payload.size() != said.greeting.size()) return;
    std::ranges::copy(message.payload, said.greeting.begin());
    return hear(said);
  }
  const auto found = endpoints_.find(to);
  if (found != endpoints_.end()) found->second->deliver(std::move(message));
}

void Directory::hear(const Unproved& said) {
  const auto greeted = read_greeting(said.greeting);
  if (!greeted || greeted->to != me_) return;
  const auto job = jobs_.find(greeted->job);
  if (job == jobs_.end()) {
    if (unproved_.size() == unproved_limit) unproved_.pop_front();
    unproved_.push_back(said);
    return;
  }
  if (!is_proved(said.greeting, job->second)) return;
  const Name name{{greeted->job, greeted->from}, greeted->call_me};
  return said.kind == FrameKind::hello ? greet(name) : take_back(name);
}

void Directory::greet(const Name& name) {
  if (std::erase(taken_back_, name) > 0) return;
  const auto meant = std::ranges::find_if(endpoints_, [&](const auto& entry) {
    return entry.second->awaits_greeting() && name.first == caller_of(*entry.second);
  });
  if (meant != endpoints_.end()) {
    meant->second->greeted(name.second);
  } else if (early_.size() < early_limit) {
    early_.insert_or_assign(name.first, name.second);
  }
}

// Whoever greeted has given up. His next endpoint greets by another name.
void Directory::take_back(const Name& name) {
  const auto early = early_.find(name.first);
  if (early != early_.end() && early->second == name.second) {
    early_.erase(early);
    return;
  }
  const auto meant = std::ranges::find_if(endpoints_, [&](const auto& entry) {
    return entry.second->calls(name.second) && name.first == caller_of(*entry.second);
  });
  if (meant != endpoints_.end()) return meant->second->left();
  if (taken_back_.size() == unproved_limit) taken_back_.pop_front();
  taken_back_.push_back(name);
}

void Directory::lose_all(const std::string& why) {
  for (const auto& [name, endpoint] : endpoints_) endpoint->lose(why);
}

void Directory::show_life(Clock::time_point now) {
  constexpr std::chrono::milliseconds early(
      10);  // an alarm may wake its sleeper sooner than before
  if (now - last_shown_ < life_interval - early) return;
  last_shown_ = now;
  for (const auto& [name, endpoint] : endpoints_) endpoint->show_life();
}

}  // namespace motet::messages
