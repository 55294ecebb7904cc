#include "communicator/probing.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <utility>

namespace motet {
namespace {

// As long as name look-ups wait before they try the next address (RFC 8305): what works, works
// sooner.
constexpr std::chrono::milliseconds head_start(250);

}  // namespace

std::string name_of(std::size_t rank, const Card& card) {
  return fmt::format("rank {} on host {}", rank, card.host);
}

Offers Offers::of(const std::vector<Card>& cards) {
  std::map<std::string, bool> shares_memory;  // of those that some rank has
  for (const Card& card : cards) {
    for (const Offer& offer : card.transports) {
      shares_memory.emplace(offer.transport, offer.shares_memory);
    }
  }
  Offers offers;
  for (const Card& card : cards) {
    // From the end: each comes before what this rank likes less.
    auto before = offers.names.end();
    for (auto name = card.wanted.rbegin(); name != card.wanted.rend(); ++name) {
      const auto known = std::ranges::find(offers.names, *name);
      if (known != offers.names.end()) {
        before = known;
      } else if (shares_memory.contains(*name)) {
        before = offers.names.insert(before, *name);
      }
    }
  }
  for (const std::string& name : offers.names) {
    offers.shares_memory.push_back(shares_memory.at(name));
  }
  return offers;
}

Probing::Probing(const Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
                 const Offers& offers, const std::vector<bool>& linked)
    : meeting_(meeting), engine_(engine), cards_(cards), offers_(offers), linked_(linked) {
  const Engine::Hold hold(engine_);
  for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
    attempts_.push_back(offered_by_both(rank));
  }
}

Probing::~Probing() {
  const Engine::Hold hold(engine_);
  attempts_.clear();
}

Probing::Attempts Probing::offered_by_both(std::size_t rank) const {
  Attempts attempts(offers_.names.size());
  if (static_cast<Rank>(rank) == meeting_.rank || linked_[rank]) return attempts;
  for (std::size_t t = 0; t < attempts.size(); ++t) {
    Transport* const transport = engine_.find_transport(offers_.names[t]);
    const std::string* const address = cards_[rank].address(offers_.names[t]);
    const bool worth_it =
        transport != nullptr && address != nullptr && transport->reaches(*address);
    if (worth_it) attempts[t].transport = transport;
  }
  return attempts;
}

Way Probing::way_of(const Attempt& attempt) {
  if (attempt.transport == nullptr) return Way::absent;
  if (!attempt.refusal.empty()) return Way::failed;
  if (attempt.endpoint == nullptr) return Way::trying;
  switch (attempt.endpoint->state()) {
    case Endpoint::State::connecting:
      return Way::trying;
    case Endpoint::State::failed:
      return Way::failed;
    case Endpoint::State::ready:
      break;
  }
  // What the peer needs to become ready must be on its way before this rank turns to other things.
  return attempt.endpoint->flushed() ? Way::works : Way::trying;
}

std::string Probing::why_missing(std::size_t rank, const std::string& transport) const {
  const auto& missing = cards_[rank].missing;
  const auto found = std::ranges::find(missing, transport, &Missing::transport);
  return fmt::format("rank {} does not have it ({})", rank,
                     found == missing.end() ? "it was not asked to" : found->why);
}

void Probing::begin(std::size_t rank, std::size_t transport) {
  Attempt& attempt = attempts_[rank][transport];
  attempt.since = Clock::now();
  try {
    attempt.endpoint = attempt.transport->connect({*cards_[rank].address(offers_.names[transport]),
                                                   cards_[rank].engine, name_of(rank, cards_[rank]),
                                                   meeting_.credentials});
  } catch (const Error& error) {  // the others are to hear of it, not to wait
    attempt.refusal = error.what();
  }
}

bool Probing::settle(std::size_t rank, Clock::time_point now) {
  bool waits = false;
  for (std::size_t t = 0; t < attempts_[rank].size(); ++t) {
    Attempt& attempt = attempts_[rank][t];
    if (way_of(attempt) == Way::trying && attempt.endpoint == nullptr) begin(rank, t);
    const Way way = way_of(attempt);
    if (everything_) {
      waits |= way == Way::trying;
      continue;
    }
    if (way == Way::works) return !waits;
    if (way != Way::trying) continue;
    waits = true;
    if (now - attempt.since < head_start) return false;
  }
  return !waits;
}

bool Probing::settle_all() {
  const Engine::Hold hold(engine_);
  const auto now = Clock::now();
  bool all = true;
  for (std::size_t rank = 0; rank < attempts_.size(); ++rank) all &= settle(rank, now);
  return all;
}

void Probing::go_on(const Deadline& deadline) {
  while (!settle_all() && !deadline.passed()) {
    if (!engine_.progress()) poll(nullptr, 0, 1);
  }
}

std::string Probing::row() const {
  const Engine::Hold hold(engine_);
  std::string row;
  for (std::size_t rank = 0; rank < attempts_.size(); ++rank) {
    for (const Attempt& attempt : attempts_[rank]) {
      row += static_cast<char>(linked_[rank] ? Way::linked : way_of(attempt));
    }
  }
  return row;
}

std::string Probing::reason(std::size_t rank, std::size_t transport) const {
  const Engine::Hold hold(engine_);
  const Attempt& attempt = attempts_[rank][transport];
  if (!attempt.refusal.empty()) return attempt.refusal;
  if (way_of(attempt) == Way::works) return "works from here";
  if (attempt.endpoint != nullptr) {
    const std::string& why = attempt.endpoint->failure();
    return why.empty() ? "no answer" : why;
  }
  const std::string& name = offers_.names[transport];
  if (attempt.transport != nullptr) return "was not tried";
  const auto me = static_cast<std::size_t>(meeting_.rank);
  for (const std::size_t end : {me, rank}) {
    if (cards_[end].address(name) == nullptr) return why_missing(end, name);
  }
  return rank == me ? "" : "does not lead there";
}

std::string Probing::route(std::size_t rank, std::size_t transport) const {
  const Engine::Hold hold(engine_);
  const auto* const routed = dynamic_cast<const Routed*>(attempts_[rank][transport].endpoint.get());
  return routed == nullptr ? "" : routed->route();
}

std::unique_ptr<Endpoint> Probing::take(std::size_t rank, std::size_t transport) {
  return std::move(attempts_[rank][transport].endpoint);
}

}  // namespace motet
