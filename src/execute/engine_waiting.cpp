// How threads wait in an engine: looking, sleeping, and noticing what will never come.
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "execute/engine_seen.hpp"
#include "execute/progress_thread.hpp"

namespace motet {

namespace {

using std::chrono::milliseconds;

// Waiting this long is unusual enough to ask what the others do.
constexpr milliseconds unusual_wait(200);
// The hub sees deaths and differing calls first and says the same to everybody; only if it does not
// is this rank's own finding the verdict.
constexpr milliseconds verdict_grace(700);
// The same where this rank knows what is wrong, unless the calls differ in more than that.
constexpr milliseconds known_grace(300);
// When the hub's host has vanished, ranks notice one after the other, and the first to end closes
// its connections to the others.
constexpr milliseconds lost_link_grace(3000);
// A sleeper looks at deadlines this often although it is rung for everything else. Nor are calls
// that nobody waits for looked at more often.
constexpr milliseconds longest_sleep(50);
// Of whoever may interrupt a call.
constexpr milliseconds between_questions(100);

// Also while things keep moving a deadline passes and a peer dies.
constexpr std::uint32_t looks_between_checks = 4096;

void ring(int bell) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell, &one, sizeof one);
}

void silence(int bell) {
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto got = read(bell, &rings, sizeof rings);
}

}  // namespace

// What one waiter knows. As of the latest look: others may change it when the engine is free.
struct Engine::Wait {
  Context& context;
  Operation& operation;
  Patience& patience;
  bool stays = false;  // until it is over: others may leave driving to this thread
  bool is_counted = false;
  bool over = false;
  bool queued = false;
  bool tells = false;  // followers wait to be told

  bool has_ended() const { return operation.phase >= Operation::Phase::done; }
};

void Engine::wake() noexcept {
  ring(wake_.get());
}

bool Engine::advance(Context& context, Operation& operation, Patience& patience) {
  Wait wait{context, operation, patience};
  look(wait, true);
  if (wait.tells) tell();
  if (!wait.over) check(wait);
  return wait.over;
}

// Looks once at the operation, or at everything.
Waiting::Moved Engine::look(Wait& wait, bool widely) {
  const Hold hold(*this);
  bool here = false, elsewhere = false;
  if (wait.operation.phase == Operation::Phase::active) {
    here = wait.context.advance(wait.operation);
    if (!here && !widely && wait.operation.program().uses_network) elsewhere = poll_networks();
  }
  if (!here && !wait.has_ended() && widely) elsewhere |= pass(Width::linked);
  if (!flushed(wait.operation)) poll_networks();
  wait.over = wait.has_ended() && flushed(wait.operation);
  wait.queued = wait.operation.phase == Operation::Phase::queued;
  if (has_news_) gather_ended();
  wait.tells = !untold_.empty();
  if (wait.stays) count(wait);
  if (here) return Waiting::Moved::here;
  return elsewhere ? Waiting::Moved::elsewhere : Waiting::Moved::nothing;
}

void Engine::wait(Context& context, Operation& operation, Patience patience,
                  const Company& company) {
  Wait wait{context, operation, patience, true};
  Waiting waiting(crowded_.load(std::memory_order_relaxed));
  bool widely = false;
  for (std::uint32_t looks = 1;; ++looks) {
    Waiting::Moved moved = look(wait, widely);
    if (wait.tells) tell();
    if (wait.over) return;
    if (moved == Waiting::Moved::nothing && drive_company(company)) {
      moved = Waiting::Moved::elsewhere;
    }
    const Waiting::Next next = waiting.next(moved);
    widely = next != Waiting::Next::look || wait.queued;
    if (next == Waiting::Next::look || next == Waiting::Next::look_widely) {
      pause_cpu();
      if (looks % looks_between_checks != 0) continue;
      check(wait);
      ask(wait);
      continue;
    }
    if (next == Waiting::Next::yield) {
      sched_yield();
    } else {
      sleep(&operation, company);
    }
    check(wait);
    ask(wait);
  }
}

// Whether the caller has had enough.
void Engine::ask(Wait& wait) {
  Patience& patience = wait.patience;
  const Interruption& interruption = patience.interruption;
  if (interruption.is_wished == nullptr || wait.over || wait.context.failed()) return;
  const auto now = Clock::now();
  if (now < patience.next_question) return;
  const bool is_first = patience.next_question == Clock::time_point{};
  patience.next_question = now + between_questions;
  if (is_first || interruption.is_wished(interruption.user) == 0) return;
  const std::string who = "rank " + std::to_string(wait.context.rank());
  if (!give_up(wait.context, {ErrorCode::aborted, who + " was interrupted"})) return;
  const Hold hold(*this);
  note_given_up(wait.operation);
}

// Whoever leaves lets another go on.
void Engine::count(Wait& wait) {
  if (wait.over != wait.is_counted) return;  // it stays, or has never waited
  wait.is_counted = !wait.over;
  waiters_ += wait.over ? -1 : 1;
  if (!wait.over) return;
  if (!asleep_.empty()) ring(asleep_.front()->bell.get());
  if (progress_thread_ != nullptr && needs_driver()) progress_thread_->ring();
}

Engine::Bed& Engine::take_bed(const Operation* operation) {
  if (free_beds_.empty()) {
    beds_.push_back(std::make_unique<Bed>());
    beds_.back()->bell = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    free_beds_.push_back(beds_.back().get());
  }
  Bed& bed = *free_beds_.back();
  free_beds_.pop_back();
  asleep_.push_back(&bed);
  bed.operation = operation;
  return bed;
}

void Engine::ring_if_over(const Bed& bed) {
  if (bed.operation != nullptr && bed.operation->phase >= Operation::Phase::done) {
    ring(bed.bell.get());
  }
}

// Peers ring for all who sleep here, so their announcement is renewed when one of them rises; and
// it looks once more, for what came in between.
void Engine::rise(Bed& bed) {
  const Hold hold(*this);
  std::erase(asleep_, &bed);
  free_beds_.push_back(&bed);
  silence(bed.bell.get());
  for (const auto& [name, transport] : transports_) transport->announce_wake();
  if (asleep_.empty()) return;
  for (const auto& [name, transport] : transports_) transport->announce_sleep();
  pass(Width::all);
  if (has_news_) gather_ended();
}

// What a thread sleeps by.
struct Engine::Night {
  std::vector<pollfd> watched{};
  bool moved = false;  // it had better not

  void watch(int descriptor) { watched.push_back({descriptor, POLLIN, 0}); }
};

Engine::Bed& Engine::lie_down(const Operation* operation, Night& night) {
  const Hold hold(*this);
  Bed& bed = take_bed(operation);
  night.watch(wake_.get());
  night.watch(bed.bell.get());
  for (const auto& [name, transport] : transports_) {
    transport->announce_sleep();
    for (const int descriptor : transport->descriptors()) night.watch(descriptor);
  }
  night.moved |= pass(Width::all);
  if (has_news_) gather_ended();
  night.moved |= !untold_.empty();
  return bed;
}

void Engine::sleep(const Operation* operation, const Company& company) {
  Night night;
  std::vector<std::pair<Engine*, Bed*>> beds{{this, &lie_down(operation, night)}};
  for (const auto& other : company) {
    if (other.get() != this) beds.emplace_back(other.get(), &other->lie_down(nullptr, night));
  }
  if (!night.moved) {
    poll(night.watched.data(), night.watched.size(), static_cast<int>(longest_sleep.count()));
  }
  for (const auto& [engine, bed] : beds) {
    silence(engine->wake_.get());
    engine->rise(*bed);
  }
}

bool Engine::drive_company(const Company& company) {
  bool moved = false;
  for (const auto& other : company) moved |= other.get() != this && other->progress();
  return moved;
}

// ---- What will never come

// With the engine held.
Engine::Seen Engine::see(const Operation& operation) {
  const Operation::Call& call = operation.call();
  Seen seen{.context = *call.context, .sequence = call.sequence};
  if (operation.is_point_to_point()) {
    seen.peer = operation.program().streams.front().link;
    seen.mismatch = operation.mismatch();
  }
  seen.suspected = call.context->suspected();
  seen.suspicion = call.context->suspicion();
  for (const Stream& stream : operation.program().streams) {
    if (!stream.link->failed()) continue;
    seen.lost = stream.link;
    seen.why_lost = stream.link->endpoint().failure();
    break;
  }
  return seen;
}

// What a slow waiter looks at between sleeps.
void Engine::check(Wait& wait) {
  check_followed();
  if (wait.context.failed() || wait.over) return;
  const Seen seen = [&] {
    const Hold hold(*this);
    return see(wait.operation);
  }();
  if (!check(seen, wait.patience)) return;
  const Hold hold(*this);
  note_given_up(wait.operation);
}

// Its steps are done, but a peer has not got all of it. With the engine held.
void Engine::note_given_up(Operation& operation) {
  if (operation.phase == Operation::Phase::done) operation.phase = Operation::Phase::failed;
  has_news_ = true;
}

// True if the communicator has been failed for it.
bool Engine::check(const Seen& seen, Patience& patience) {
  const auto now = Clock::now();
  if (patience.since == Clock::time_point{}) patience.since = now;
  if (patience.next_report == Clock::time_point{}) {
    patience.next_report = patience.since + unusual_wait;
  }
  if (now >= patience.next_report && seen.peer == nullptr && seen.reports) {
    patience.next_report = now + unusual_wait;
    if (Observer* observer = seen.context.observer()) observer->report_wait(seen.sequence);
  }
  const std::optional<Failure> failure = find_failure(seen, patience, now);
  return failure && give_up(seen.context, *failure);
}

// True if this is the first cause.
bool Engine::give_up(Context& context, const Failure& failure) {
  if (!context.fail(failure)) return false;
  if (Observer* observer = context.observer()) observer->report_failure(failure);
  return true;
}

std::optional<Failure> Engine::find_failure(const Seen& seen, Patience& patience,
                                            Clock::time_point now) {
  if (seen.mismatch) {
    return Failure{
        ErrorCode::invalid_argument,
        seen.peer->peer() + " sent something else: the two calls differ in count or type"};
  }
  if (auto failure = find_suspicion(seen, patience, now)) return failure;
  if (now - patience.since >= patience.timeout) {
    const std::string where = seen.where_is_everybody();
    return Failure{ErrorCode::timeout, "timed out after " +
                                           std::to_string(patience.timeout.count()) + " ms" +
                                           (where.empty() ? where : "; " + where)};
  }
  if (seen.lost == nullptr) return std::nullopt;
  if (patience.trouble_since == Clock::time_point{}) patience.trouble_since = now;
  if (now - patience.trouble_since < lost_link_grace) return std::nullopt;
  return Failure{ErrorCode::peer_lost, seen.lost->peer() + " is gone (" + seen.why_lost + ")"};
}

std::optional<Failure> Engine::find_suspicion(const Seen& seen, Patience& patience,
                                              Clock::time_point now) {
  if (!seen.suspected) return std::nullopt;
  if (patience.trouble_since == Clock::time_point{}) {
    patience.trouble_since = now;
    if (Observer* observer = seen.context.observer()) observer->report_wait(*seen.suspected);
  }
  const milliseconds grace = seen.suspicion.empty() ? verdict_grace : known_grace;
  if (now - patience.trouble_since < grace) return std::nullopt;
  if (!seen.suspicion.empty()) return Failure{ErrorCode::invalid_argument, seen.suspicion};
  return Failure{ErrorCode::invalid_argument,
                 "a message of collective #" + std::to_string(*seen.suspected) +
                     " came from a call that differs from this rank's, or from an algorithm that "
                     "differs (hints, MOTET_* options)"};
}

}  // namespace motet
