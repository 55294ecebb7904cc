#include "bootstrap/health_hub.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace motet {
namespace {

using namespace std::chrono_literals;

// Of one communicator: its members all report within moments of one another.
constexpr auto between_inquiries = 100ms;
// Queries to a stopped process pile up here: those of some seconds, which take a few KiB.
constexpr int most_unanswered = 64;
constexpr std::size_t most_communicators = 1 << 20;  // alive at once, in one job
// Ranks ask with half a second; more than this is an error of theirs.
constexpr auto longest_survey = 5s;

}  // namespace

HealthHub::HealthHub(int world_size, Send send)
    : send_(std::move(send)), ranks_(static_cast<std::size_t>(world_size)) {}

void HealthHub::handle(Rank from, const HealthMessage& message, Clock::time_point now) {
  switch (message.call) {
    case HealthCall::join:
      return join(from, message);
    case HealthCall::who_is_missing:
      if (joined_ < static_cast<int>(ranks_.size())) fail_joining(ErrorCode::timeout, missing());
      return;
    case HealthCall::watch:
      return watch(message, now);
    case HealthCall::left:
      return leave(from, message.communicator,
                   message.records.empty() ? CallRecord() : message.records.back());
    case HealthCall::wait:
      return wait(from, message, now);
    case HealthCall::failure:
      if (auto* watched = find(message.communicator)) {
        decide(message.communicator, *watched, {message.code, message.text}, from);
      }
      return;
    case HealthCall::answer:
      return answer(from, message);
    case HealthCall::where:
      return survey(from, message, now);
    case HealthCall::goodbye:
      return goodbye(from);
    default:
      return;  // the hub's own calls make no sense from a rank
  }
}

std::string HealthHub::name_of(Rank rank) const {
  const Member& member = ranks_[static_cast<std::size_t>(rank)];
  return fmt::format("rank {} {}", rank, member.process.to_text());
}

void HealthHub::flood(const HealthMessage& message, Rank except) {
  for (Rank rank = 0; rank < static_cast<Rank>(ranks_.size()); ++rank) {
    if (rank != except && member(rank).state == State::present) send_(rank, message);
  }
}

// --- Joining.

void HealthHub::join(Rank rank, const HealthMessage& message) {
  if (member(rank).state != State::missing) return;
  member(rank).state = State::present;
  member(rank).process = message.process;
  ++joined_;
  ++present_;
  if (joined_ < static_cast<int>(ranks_.size())) return;
  HealthMessage ready{.call = HealthCall::ready};
  ready.process = member(0).process;
  flood(ready, nobody);
}

void HealthHub::fail_joining(ErrorCode code, const std::string& text) {
  HealthMessage failed{.call = HealthCall::join_failed};
  failed.code = code;
  failed.text = text;
  flood(failed, nobody);
}

// "rank 3 and 5 more ranks of 16 have not joined" would hide who; so the first few are named.
std::string HealthHub::missing() const {
  constexpr int most_named = 16;
  std::string text;
  int count = 0;
  for (Rank rank = 0; rank < static_cast<Rank>(ranks_.size()); ++rank) {
    if (ranks_[static_cast<std::size_t>(rank)].state != State::missing) continue;
    if (++count <= most_named) text += fmt::format("{}{}", count > 1 ? ", " : "", rank);
  }
  if (count > most_named) text += fmt::format(" and {} more", count - most_named);
  return fmt::format("{} of {} ranks have not joined in time: {}", count, ranks_.size(), text);
}

// --- Ends.

void HealthHub::died(Rank rank, const std::string& how) {
  if (member(rank).state != State::present) return;
  member(rank).state = State::dead;
  --present_;
  const std::string text = fmt::format("{} {}", name_of(rank), how);
  if (joined_ < static_cast<int>(ranks_.size())) return fail_joining(ErrorCode::peer_lost, text);
  HealthMessage gone{.call = HealthCall::gone};
  gone.rank = rank;
  gone.text = text;
  flood(gone, rank);
}

void HealthHub::goodbye(Rank rank) {
  if (member(rank).state != State::present) return;
  member(rank).state = State::left;
  --present_;
  if (rank == 0) {
    flood({.call = HealthCall::first_goodbye}, rank);
    send_(rank, {.call = HealthCall::first_goodbye});  // rank 0 waits for this before it ends
  }
  std::vector<std::uint32_t> ids;
  for (const auto& [id, watched] : communicators_) ids.push_back(id);
  for (const std::uint32_t id : ids) {
    judge_absent(id, communicators_.at(id));
    forget_if_over(id);
  }
}

void HealthHub::leave(Rank rank, std::uint32_t communicator, const CallRecord& last) {
  WatchedCommunicator* watched = find(communicator);
  if (watched == nullptr) return;
  watched->left[rank] = last;
  watched->waits.erase(rank);
  if (rank == 0) {
    HealthMessage left{.call = HealthCall::first_left, .communicator = communicator};
    left.records.push_back(last);
    flood(left, rank);
  }
  judge_absent(communicator, *watched);
  forget_if_over(communicator);
}

void HealthHub::forget_if_over(std::uint32_t communicator) {
  const WatchedCommunicator& watched = communicators_.at(communicator);
  const bool over = !watched.members.empty() &&
                    std::all_of(watched.members.begin(), watched.members.end(), [&](Rank rank) {
                      return member(rank).state != State::present || watched.left.contains(rank);
                    });
  if (over) communicators_.erase(communicator);
}

// --- Communicators.

WatchedCommunicator* HealthHub::find(std::uint32_t communicator) {
  if (communicators_.size() >= most_communicators && !communicators_.contains(communicator))
    return nullptr;
  return &communicators_[communicator];
}

void HealthHub::watch(const HealthMessage& message, Clock::time_point now) {
  const auto inside = [&](Rank rank) {
    return rank >= 0 && rank < static_cast<Rank>(ranks_.size());
  };
  WatchedCommunicator* watched = find(message.communicator);
  if (watched == nullptr || message.members.empty() || !watched->members.empty()) return;
  if (!std::all_of(message.members.begin(), message.members.end(), inside)) return;
  watched->members = message.members;
  if (watched->waits.empty() || judge_absent(message.communicator, *watched)) return;
  inquire(message.communicator, *watched, now);
}

void HealthHub::wait(Rank rank, const HealthMessage& message, Clock::time_point now) {
  WatchedCommunicator* watched = find(message.communicator);
  if (watched == nullptr || watched->verdict) return;
  std::uint64_t& latest = watched->waits[rank];
  latest = std::max(latest, message.number);
  if (judge_absent(message.communicator, *watched)) return;
  inquire(message.communicator, *watched, now);
}

// Somebody waits in a call that a member will never make: it has left.
bool HealthHub::judge_absent(std::uint32_t communicator, WatchedCommunicator& watched) {
  for (const Rank rank : watched.members) {
    const auto left = watched.left.find(rank);
    if (left == watched.left.end() && member(rank).state != State::left) continue;
    const CallRecord last = left == watched.left.end() ? CallRecord() : left->second;
    const bool missed =
        std::any_of(watched.waits.begin(), watched.waits.end(), [&](const auto& waiting) {
          return waiting.first != rank && waiting.second > last.sequence;
        });
    if (!missed) continue;
    const std::string text = left == watched.left.end()
                                 ? fmt::format("rank {} has left the job", rank)
                                 : left_text(rank, last);
    decide(communicator, watched, {ErrorCode::peer_lost, text}, nobody);
    return true;
  }
  return false;
}

void HealthHub::decide(std::uint32_t communicator, WatchedCommunicator& watched, Verdict verdict,
                       Rank except) {
  if (watched.verdict) return;
  watched.verdict = std::move(verdict);
  HealthMessage message{.call = HealthCall::verdict, .communicator = communicator};
  message.code = watched.verdict->code;
  message.text = watched.verdict->text;
  flood(message, except);
}

// --- Inquiries.

void HealthHub::inquire(std::uint32_t communicator, WatchedCommunicator& watched,
                        Clock::time_point now) {
  if (watched.verdict || watched.members.empty()) return;
  const bool lately = watched.last_inquiry != Clock::time_point::min() &&
                      now - watched.last_inquiry < between_inquiries;
  watched.inquire_again = lately;
  if (lately) return;
  watched.last_inquiry = now;
  watched.calls.clear();
  for (const Rank rank : watched.members) ask(rank, communicator, 0);
}

void HealthHub::ask(Rank rank, std::uint32_t communicator, std::uint64_t token) {
  Member& asked = member(rank);
  if (asked.state != State::present || asked.unanswered >= most_unanswered) return;
  ++asked.unanswered;
  send_(rank, {.call = HealthCall::query, .communicator = communicator, .token = token});
}

void HealthHub::answer(Rank rank, const HealthMessage& message) {
  member(rank).unanswered = std::max(0, member(rank).unanswered - 1);
  const auto watched = communicators_.find(message.communicator);
  if (watched != communicators_.end()) compare(rank, message, watched->second);
  const auto found = surveys_.find(message.token);
  if (found == surveys_.end()) return;
  found->second.answers.insert_or_assign(rank, message);
  if (complete(found->second)) report(surveys_.extract(found).mapped());
}

void HealthHub::compare(Rank rank, const HealthMessage& message, WatchedCommunicator& watched) {
  if (watched.verdict) return;
  for (const CallRecord& record : message.records) {
    const auto [known, is_new] = watched.calls.try_emplace(record.sequence, rank, record);
    if (is_new || agree(known->second.second, record)) continue;
    auto first = known->second, second = std::pair(rank, record);
    if (second.first < first.first) std::swap(first, second);
    return decide(
        message.communicator, watched,
        {ErrorCode::invalid_argument,
         fmt::format("ranks call different collectives: rank {}: {}, rank {}: {}", first.first,
                     to_text(first.second), second.first, to_text(second.second))},
        nobody);
  }
}

// --- Surveys.

void HealthHub::survey(Rank rank, const HealthMessage& message, Clock::time_point now) {
  // Who asks again has given up the last answer; so there is at most one for each.
  std::erase_if(surveys_, [&](const auto& entry) {
    return entry.second.asked_by == rank && entry.second.communicator == message.communicator;
  });
  // The asker's deadline starts when it asks; most of it is left for the slowest answer.
  const auto patience = std::min<Clock::duration>(
      std::chrono::milliseconds(message.patience_ms) * 3 / 4, longest_survey);
  Survey survey{rank, message.token, message.communicator, message.number, now + patience, {}};
  const std::uint64_t id = next_survey_++;
  const auto& stored = surveys_.emplace(id, std::move(survey)).first->second;
  const auto watched = communicators_.find(message.communicator);
  if (watched != communicators_.end()) {
    for (const Rank asked : watched->second.members) ask(asked, message.communicator, id);
  }
  if (complete(stored)) report(surveys_.extract(id).mapped());
}

bool HealthHub::complete(const Survey& survey) {
  const auto watched = communicators_.find(survey.communicator);
  if (watched == communicators_.end()) return true;
  const auto& members = watched->second.members;
  return std::all_of(members.begin(), members.end(), [&](Rank rank) {
    return member(rank).state != State::present || survey.answers.contains(rank);
  });
}

HealthHub::Place HealthHub::place_of(Rank rank, const Survey& survey) {
  const auto& left = communicators_.at(survey.communicator).left;
  if (member(rank).state == State::dead) return {false, fmt::format("rank {} is gone", rank)};
  if (const auto found = left.find(rank); found != left.end()) {
    return {found->second.sequence >= survey.sequence,
            fmt::format("rank {} has left after {}", rank, to_text(found->second))};
  }
  if (member(rank).state == State::left) {
    return {false, fmt::format("rank {} has left the job", rank)};
  }
  const auto found = survey.answers.find(rank);
  if (found == survey.answers.end()) {
    return {false, fmt::format("rank {} does not answer", rank)};
  }
  const HealthMessage& answer = found->second;
  if (answer.presence == Presence::not_here) {
    return {false, fmt::format("rank {} has not created it yet", rank)};
  }
  const CallRecord last = answer.records.empty() ? CallRecord() : answer.records.back();
  if (last.sequence >= survey.sequence) return {true, {}};
  if (last.sequence == 0) return {false, fmt::format("rank {} has made no call yet", rank)};
  return {false, fmt::format("rank {}: last called {}", rank, to_text(last))};
}

void HealthHub::report(const Survey& survey) {
  constexpr int most_named = 16;
  HealthMessage places{.call = HealthCall::places, .token = survey.token};
  const auto watched = communicators_.find(survey.communicator);
  if (watched == communicators_.end() || watched->second.members.empty()) {
    places.text = "its first member has not created it yet";
    return send_(survey.asked_by, places);
  }
  int there = 0, notable = 0;
  std::string text;
  for (const Rank rank : watched->second.members) {
    const Place place = place_of(rank, survey);
    if (place.has_called) ++there;
    if (!place.text.empty() && ++notable <= most_named) text += "; " + place.text;
  }
  if (notable > most_named) text += fmt::format("; and {} more", notable - most_named);
  places.text = fmt::format("{} of {} ranks have called #{}{}", there,
                            watched->second.members.size(), survey.sequence, text);
  send_(survey.asked_by, places);
}

Clock::time_point HealthHub::tick(Clock::time_point now) {
  auto next = Clock::time_point::max();
  for (auto at = surveys_.begin(); at != surveys_.end();) {
    const auto current = at++;
    if (current->second.until > now) {
      next = std::min(next, current->second.until);
    } else {
      report(surveys_.extract(current).mapped());
    }
  }
  for (auto& [id, watched] : communicators_) {
    if (!watched.inquire_again) continue;
    if (watched.last_inquiry + between_inquiries <= now) inquire(id, watched, now);
    if (watched.inquire_again) next = std::min(next, watched.last_inquiry + between_inquiries);
  }
  return next;
}

}  // namespace motet
