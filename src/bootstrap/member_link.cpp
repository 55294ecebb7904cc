#include "bootstrap/member_link.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "net/socket.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

enum Tag : std::uint64_t {
  bell_tag = MemberLink::line_tag + 1,
  timer_tag,
  dialler_tag,
  process_tag
};

// A dying process closes its descriptors a moment before it has ended; how it ended, which is known
// only then, is worth that moment also on a busy machine. There it may also be seen to have ended
// before what it said last, which the end of its connection comes after.
constexpr auto grace = 500ms;
// A round trip to a hub that has something else to do; who hangs must not keep others from leaving.
constexpr auto longest_goodbye = 200ms;
// All ranks make their communicators in the same order, so others are ahead by a few.
constexpr std::size_t most_early_verdicts = 256;
// Reports to a stopped hub pile up there: those of some seconds, and few later, so that its buffers
// never fill.
constexpr int most_unanswered_reports = 64;

}  // namespace

bool MemberLink::Watch::contains(Rank rank) const {
  return std::find(members.begin(), members.end(), rank) != members.end();
}

MemberLink::MemberLink(Rank rank, Lines lines, ProcessIdentity hub)
    : rank_(rank),
      hub_(std::move(hub)),
      poller_(std::move(lines.poller)),
      hub_process_(watch_process(hub_)),
      lines_(std::move(lines.lines)),
      dialler_(hub_process_ ? LineDialler::Ways() : std::move(lines.ways), *poller_, dialler_tag) {
  poller_->add(bell_.descriptor(), EPOLLIN, bell_tag);
  poller_->add(timer_.descriptor(), EPOLLIN, timer_tag);
  // Rank 0 itself does not outlive its own process.
  if (hub_process_ && rank != 0) poller_->add(hub_process_.get(), EPOLLIN, process_tag);
  bell_.ring();  // the other ways are to be dialled
}

// --- What others call.

void MemberLink::send(const HealthMessage& message) {
  if (hub_lost_ || ends_by_) return;
  lines_.send(encode(message));  // the health thread sends what is left
}

void MemberLink::watch(std::uint32_t communicator, std::vector<Rank> members,
                       std::shared_ptr<const CallLog> log,
                       std::function<void(const Verdict&)> on_verdict) {
  const std::scoped_lock lock(mutex_);
  HealthMessage message{.call = HealthCall::watch, .communicator = communicator};
  if (!members.empty() && members.front() == rank_) message.members = members;
  Watch& watch = watches_[communicator];
  watch = Watch{std::move(members), std::move(log), std::move(on_verdict), {}, {}};
  send(message);
  if (auto early = early_verdicts_.extract(communicator))
    decide(communicator, watch, early.mapped());
  for (const auto& [rank, text] : gone_) {
    if (watch.contains(rank)) decide(communicator, watch, {ErrorCode::peer_lost, text});
  }
}

void MemberLink::unwatch(std::uint32_t communicator) {
  std::unique_lock lock(mutex_);
  if (watches_.contains(communicator)) leave(communicator);
  let_callback_end(lock, communicator);
}

void MemberLink::leave(std::uint32_t communicator) {
  const auto watch = watches_.extract(communicator);
  HealthMessage message{.call = HealthCall::left, .communicator = communicator};
  const auto calls = watch.mapped().log->read();
  if (!calls.empty()) message.records.push_back(calls.back());
  send(message);
}

// Nothing to wait for on the health thread: then it is the callback that is asking.
void MemberLink::let_callback_end(std::unique_lock<std::mutex>& lock,
                                  std::optional<std::uint32_t> communicator) {
  if (HealthThread::of_this_process().is_current()) return;
  callback_done_.wait(
      lock, [&] { return !in_callback_ || (communicator && *in_callback_ != *communicator); });
}

void MemberLink::report_wait(std::uint32_t communicator, std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  const auto found = watches_.find(communicator);
  if (found == watches_.end()) return;
  const int unanswered = unanswered_reports_++;
  if (unanswered < most_unanswered_reports || unanswered % most_unanswered_reports == 0) {
    send({.call = HealthCall::wait, .communicator = communicator, .number = sequence});
  }
  // Without a hub this much is still known.
  const auto& left = found->second.first_left;
  if (hub_lost_ && left && left->sequence < sequence) {
    decide(communicator, found->second, {ErrorCode::peer_lost, left_text(0, *left)});
  }
}

void MemberLink::report_failure(std::uint32_t communicator, const Verdict& verdict) {
  const std::scoped_lock lock(mutex_);
  HealthMessage message{.call = HealthCall::failure, .communicator = communicator};
  message.code = verdict.code;
  message.text = verdict.text;
  send(message);
}

std::string MemberLink::ask_where(std::uint32_t communicator, std::uint64_t sequence,
                                  const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const std::uint64_t token = next_token_++;
  const auto place = places_.try_emplace(token).first;
  send({.call = HealthCall::where,
        .communicator = communicator,
        .number = sequence,
        .token = token,
        .patience_ms = static_cast<std::uint32_t>(deadline.left().count())});
  while (!place->second && !hub_lost_ && !deadline.passed()) {
    heard_.wait_for(lock, deadline.left() + 1ms);
  }
  if (const auto answer = places_.extract(place).mapped()) return *answer;
  return hub_lost_ ? "rank 0, which would know, has ended"
                   : "rank 0, which would know, does not answer";
}

void MemberLink::say_goodbye() {
  std::unique_lock lock(mutex_);
  while (!watches_.empty()) leave(watches_.begin()->first);
  let_callback_end(lock, std::nullopt);
  send({.call = HealthCall::goodbye});
  const Deadline deadline = Deadline::after(longest_goodbye);
  // The hub may end with this process: first it has to say that nobody has died.
  const bool on_health_thread = HealthThread::of_this_process().is_current();
  while (rank_ == 0 && !on_health_thread && !first_has_left_ && !hub_lost_ && !deadline.passed()) {
    heard_.wait_for(lock, deadline.left() + 1ms);
  }
  lines_.wait_until_sent(deadline);
}

// --- The health thread.

bool MemberLink::advance() {
  bool process_ended = false;
  for (const Poller::Event event : poller_->wait(0ms)) {
    if (event.tag == bell_tag) bell_.silence();
    if (event.tag == process_tag) process_ended = true;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!hub_lost_) flush_and_receive();
    const auto now = Clock::now();
    if (process_ended) {
      hub_ended_ = "is gone" + how_it_ended(hub_, hub_process_);
      poller_->remove(hub_process_.get());
    }
    if (!hub_lost_ && (lines_.lost() || hub_ended_)) hub_ends(now);
    if (!hub_lost_ && !ends_by_) dial_more(now);
    const auto next = ends_by_ ? *ends_by_ : dialler_.next();
    timer_.set(hub_lost_ ? Clock::time_point::max() : next);
  }
  deliver();
  return true;
}

void MemberLink::flush_and_receive() {
  lines_.flush();
  while (const auto frame = lines_.receive()) {
    if (const auto message = decode_health_message(*frame)) handle(*message);
  }
}

void MemberLink::dial_more(Clock::time_point now) {
  auto connected = dialler_.advance(lines_.peer_hosts(), now);
  if (!connected) return;
  limit_silence(connected->get());
  lines_.add(FramedSocket(std::move(*connected), longest_health_frame),
             HealthLines::Standing::proposed,
             encode(HealthMessage{.call = HealthCall::another_line, .rank = rank_}));
}

void MemberLink::hub_ends(Clock::time_point now) {
  const bool may_say_more = !lines_.lost();
  const bool may_end = hub_process_ && !hub_ended_;
  if (!ends_by_) ends_by_ = now + grace;
  if ((may_say_more || may_end) && *ends_by_ > now) return;
  if (hub_ended_) return hub_gone(*hub_ended_);
  hub_gone(hub_process_ ? "has closed its health connection"
                        : "is gone (connection: " + lines_.why() + ")");
}

// The hub ends with rank 0's process. If rank 0 had said goodbye, nobody has died.
void MemberLink::hub_gone(const std::string& how) {
  hub_lost_ = true;
  // Nobody reads these any more: what stays ready would keep the health thread from sleeping.
  lines_.close();
  dialler_.stop();
  if (hub_process_) poller_->remove(hub_process_.get());
  if (!first_has_left_) rank_gone(0, fmt::format("rank 0 {} {}", hub_.to_text(), how));
  heard_.notify_all();
}

void MemberLink::handle(const HealthMessage& message) {
  unanswered_reports_ = 0;
  const auto watch = watches_.find(message.communicator);
  switch (message.call) {
    case HealthCall::query:
      return answer(message);
    case HealthCall::verdict:
      if (watch == watches_.end())
        return remember(message.communicator, {message.code, message.text});
      return decide(message.communicator, watch->second, {message.code, message.text});
    case HealthCall::gone:
      return rank_gone(message.rank, message.text);
    case HealthCall::first_left:
      if (watch != watches_.end() && !message.records.empty()) {
        watch->second.first_left = message.records.back();
      }
      return;
    case HealthCall::first_goodbye:
      first_has_left_ = true;
      heard_.notify_all();
      return;
    case HealthCall::places:
      // Too late: who asked has given up.
      if (const auto place = places_.find(message.token); place != places_.end()) {
        place->second = message.text;
      }
      heard_.notify_all();
      return;
    default:
      return;  // a rank's own calls make no sense from the hub
  }
}

void MemberLink::answer(const HealthMessage& query) {
  HealthMessage answer{
      .call = HealthCall::answer, .communicator = query.communicator, .token = query.token};
  const auto watch = watches_.find(query.communicator);
  if (watch != watches_.end()) {
    answer.presence = Presence::here;
    answer.records = watch->second.log->read();
  }
  send(answer);
}

void MemberLink::remember(std::uint32_t communicator, const Verdict& verdict) {
  early_verdicts_.try_emplace(communicator, verdict);
  // The oldest ids are those of communicators that were left here, or of others' altogether.
  if (early_verdicts_.size() > most_early_verdicts) early_verdicts_.erase(early_verdicts_.begin());
}

void MemberLink::rank_gone(Rank rank, const std::string& text) {
  gone_.try_emplace(rank, text);
  for (auto& [communicator, watch] : watches_) {
    if (watch.contains(rank)) decide(communicator, watch, {ErrorCode::peer_lost, text});
  }
}

void MemberLink::decide(std::uint32_t communicator, Watch& watch, const Verdict& verdict) {
  if (watch.verdict) return;
  watch.verdict = verdict;
  deliveries_.push_back(communicator);
  bell_.ring();  // this may be another thread
}

// Callbacks, one after the other, with no lock held.
void MemberLink::deliver() {
  std::unique_lock lock(mutex_);
  while (!deliveries_.empty()) {
    const std::uint32_t communicator = deliveries_.front();
    deliveries_.pop_front();
    const auto watch = watches_.find(communicator);
    if (watch == watches_.end() || !watch->second.on_verdict) continue;
    tell(lock, communicator, watch->second);
  }
}

void MemberLink::tell(std::unique_lock<std::mutex>& lock, std::uint32_t communicator,
                      Watch& watch) {
  const auto on_verdict = std::exchange(watch.on_verdict, nullptr);
  const Verdict verdict = *watch.verdict;
  struct InCallback {  // ends also when the callback throws: unwatch() waits for it
    MemberLink& link;
    std::unique_lock<std::mutex>& lock;
    ~InCallback() {
      lock.lock();
      link.in_callback_.reset();
      link.callback_done_.notify_all();
    }
  };
  in_callback_ = communicator;
  const InCallback now{*this, lock};
  lock.unlock();
  on_verdict(verdict);
}

}  // namespace motet
