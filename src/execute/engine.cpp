#include "execute/engine.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"

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
// A sleeper looks at deadlines this often although it is rung for everything else.
constexpr milliseconds longest_sleep(50);
// Of whoever may interrupt a call.
constexpr milliseconds between_questions(100);

// Also while things keep moving a deadline passes and a peer dies.
constexpr std::uint32_t looks_between_checks = 4096;

}  // namespace

// What one waiter knows.
struct Engine::Wait {
  Context& context;
  Operation& operation;
  Patience& patience;
  // As of the latest look: others may change it when the engine is free.
  bool over = false;

  bool has_ended() const { return operation.phase >= Operation::Phase::done; }
  const std::string& peer() const { return operation.program().streams.front().link->peer(); }
  std::string where_is_everybody() const {
    if (operation.is_point_to_point()) return "waited for " + peer();
    Observer* const observer = context.observer();
    if (observer == nullptr) return {};
    return observer->where_is_everybody(operation.call().sequence);
  }
};

void Engine::hold_when_free() {
  do {
    sched_yield();
  } while (held_.test_and_set(std::memory_order_acquire));
}

Engine::Engine(const Identity& identity, std::vector<NamedTransport> transports)
    : identity_(identity),
      transports_(std::move(transports)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw system_error("eventfd", errno);
  for (const auto& [name, transport] : transports_) {
    if (!transport->shares_memory()) networks_.push_back(transport.get());
    if (shared_memory_ == nullptr) shared_memory_ = dynamic_cast<SharedMemory*>(transport.get());
    if (auto* memory = dynamic_cast<Withdrawable*>(transport.get()))
      withdrawable_.push_back(memory);
  }
}

Engine::~Engine() {
  MOTET_ASSERT(contexts_.empty(), "communicators end before their engine");
}

Transport* Engine::find_transport(std::string_view name) const {
  const auto found = std::ranges::find(transports_, name, &NamedTransport::name);
  return found == transports_.end() ? nullptr : found->transport.get();
}

PeerLink* Engine::find_link(const Identity& peer) const {
  const auto found = links_.find(peer);
  return found == links_.end() ? nullptr : found->second.get();
}

PeerLink* Engine::add_link(const Identity& peer, std::unique_ptr<PeerLink> link) {
  linked_.insert(&link->transport());
  return (links_[peer] = std::move(link)).get();
}

bool Engine::is_used(const PeerLink& link) const {
  return std::ranges::any_of(contexts_,
                             [&](const Context* context) { return context->rank_of(link) >= 0; });
}

void Engine::remove_link(const Identity& peer) {
  links_.erase(peer);
}

void Engine::share_cores(int ranks, int cores) {
  crowded_ |= ranks > cores;
}

void Engine::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
}

void Engine::withdraw_memory() {
  for (Withdrawable* memory : withdrawable_) memory->withdraw();
}

std::size_t Engine::aside_count() const {
  std::size_t count = 0;
  for (const auto& [peer, link] : links_) count += link->aside_count();
  return count;
}

bool Engine::poll_networks() {
  bool moved = false;
  for (Transport* transport : networks_) moved |= transport->progress();
  return moved;
}

bool Engine::pass(Width width) {
  bool moved = false;
  for (const auto& [name, transport] : transports_) {
    const bool skip = width == Width::linked && !linked_.contains(transport.get());
    if (!skip) moved |= transport->progress();
  }
  bool taken = false;
  for (Context* context : contexts_) taken |= context->pass();
  if (taken) return true;
  for (const auto& [peer, link] : links_) moved |= sort_out(*link);
  return moved;
}

bool Engine::progress() {
  const Hold hold(*this);
  return pass(Width::all);
}

// Nobody took the front block: it says something about its sender, belongs to a call that has not
// begun here, or to none.
bool Engine::sort_out(PeerLink& link) {
  const Arrival* front = link.endpoint().front();
  if (front == nullptr) return false;
  const Header header = front->header;
  const std::uint32_t id = communicator_of(header.key);
  const auto found = std::ranges::find(contexts_, id, &Context::id);
  if (found == contexts_.end()) {
    if (id >= next_id_) {
      link.set_front_aside();
    } else {
      link.endpoint().pop();  // the communicator was destroyed here
    }
    return true;
  }
  Context& context = **found;
  // Whatever becomes of it: the call that it is set aside for may wait for this news to begin.
  const Rank rank = context.rank_of(link);
  if (rank >= 0) context.note_consumed(rank, is_point_to_point(header.key), header.consumed);
  if (role_of(header.key) == Role::consumed) {
    link.endpoint().pop();
  } else if (context.failed()) {
    link.endpoint().pop();
  } else if (belongs_to_later_call(context, header)) {
    link.set_front_aside();
  } else {
    context.suspect(context.completed() +
                    sequence_ahead(sequence_of(header.key), context.completed()));
    link.endpoint().pop();
  }
  return true;
}

// False: a collective that is over here, or one that is running with other arguments.
bool Engine::belongs_to_later_call(const Context& context, const Header& header) {
  if (is_point_to_point(header.key)) return true;
  const std::uint32_t sequence = sequence_of(header.key);
  if (const Operation* active = context.active_collective(sequence)) {
    // A message that tells its length is for the step that it is meant for to judge.
    return active->program().tells_lengths || active->program().fingerprint == header.fingerprint;
  }
  return sequence_ahead(sequence, context.completed()) > 0;
}

// After a failure nobody waits for what a peer may never take.
bool Engine::flushed(const Operation& operation) {
  if (!operation.program().uses_network || operation.call().context->failed()) return true;
  bool all = true;
  for (const Stream& stream : operation.program().streams) {
    all &= stream.link->failed() || stream.link->endpoint().flushed();
  }
  return all;
}

bool Engine::advance(Context& context, Operation& operation, Patience& patience) {
  Wait wait{context, operation, patience};
  look(wait, true);
  if (!wait.over) check(wait);
  return wait.over;
}

// Looks once at the operation, or at everything.
Waiting::Moved Engine::look(Wait& wait, bool widely) {
  const Hold hold(*this);
  bool here = false, elsewhere = false;
  if (wait.operation.phase == Operation::Phase::active) {
    here = wait.context.advance(wait.operation);
    if (!here && wait.operation.program().uses_network) elsewhere = poll_networks();
  }
  if (!here && !wait.has_ended() && widely) elsewhere |= pass(Width::linked);
  if (!flushed(wait.operation)) poll_networks();
  wait.over = wait.has_ended() && flushed(wait.operation);
  if (here) return Waiting::Moved::here;
  return elsewhere ? Waiting::Moved::elsewhere : Waiting::Moved::nothing;
}

void Engine::wait(Context& context, Operation& operation, Patience patience) {
  Wait wait{context, operation, patience};
  Waiting waiting(crowded_);
  bool widely = false;
  for (std::uint32_t looks = 1;; ++looks) {
    const Waiting::Moved moved = look(wait, widely);
    if (wait.over) return;
    const Waiting::Next next = waiting.next(moved);
    widely = next != Waiting::Next::look || operation.phase == Operation::Phase::queued;
    if (next == Waiting::Next::look || next == Waiting::Next::look_widely) {
      pause_cpu();
      if (looks % looks_between_checks == 0) {
        check(wait);
        ask(wait);
      }
      continue;
    }
    if (next == Waiting::Next::yield) {
      sched_yield();
    } else {
      sleep();
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
  give_up(wait,
          {ErrorCode::aborted, "rank " + std::to_string(wait.context.rank()) + " was interrupted"});
}

void Engine::sleep() {
  std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}};
  bool moved = false;
  sleepers_.fetch_add(1, std::memory_order_relaxed);
  {
    const Hold hold(*this);
    for (const auto& [name, transport] : transports_) {
      transport->announce_sleep();
      for (const int descriptor : transport->descriptors())
        watched.push_back({descriptor, POLLIN, 0});
    }
    moved = pass(Width::all);
  }
  if (!moved) poll(watched.data(), watched.size(), static_cast<int>(longest_sleep.count()));
  const bool others_sleep = sleepers_.fetch_sub(1, std::memory_order_relaxed) > 1;
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto drained = read(wake_.get(), &rings, sizeof rings);
  {
    const Hold hold(*this);
    for (const auto& [name, transport] : transports_) transport->announce_wake();
  }
  if (others_sleep) wake();  // the doorbell that woke this thread may have been for them
}

// What a slow waiter looks at between sleeps.
void Engine::check(Wait& wait) {
  if (wait.context.failed() || wait.over) return;
  const auto now = Clock::now();
  Patience& patience = wait.patience;
  if (patience.since == Clock::time_point{}) patience.since = now;
  if (patience.next_report == Clock::time_point{}) {
    patience.next_report = patience.since + unusual_wait;
  }
  Observer* const observer = wait.context.observer();
  check_mismatch(wait);
  check_suspicion(wait);
  if (now >= patience.next_report && !wait.operation.is_point_to_point()) {
    patience.next_report = now + unusual_wait;
    if (observer != nullptr) observer->report_wait(wait.operation.call().sequence);
  }
  if (now - patience.since >= patience.timeout) {
    const std::string where = wait.where_is_everybody();
    give_up(wait,
            {ErrorCode::timeout, "timed out after " + std::to_string(patience.timeout.count()) +
                                     " ms" + (where.empty() ? where : "; " + where)});
  }
  check_links(wait);
}

void Engine::check_links(Wait& wait) {
  const auto now = Clock::now();
  for (const Stream& stream : wait.operation.program().streams) {
    if (!stream.link->failed()) continue;
    if (wait.patience.trouble_since == Clock::time_point{}) wait.patience.trouble_since = now;
    if (now - wait.patience.trouble_since < lost_link_grace) return;
    give_up(wait, {ErrorCode::peer_lost,
                   stream.link->peer() + " is gone (" + stream.link->endpoint().failure() + ")"});
    return;
  }
}

// Of a message between two ranks only these two know.
void Engine::check_mismatch(Wait& wait) {
  if (!wait.operation.is_point_to_point() || !wait.operation.mismatch()) return;
  give_up(wait, {ErrorCode::invalid_argument,
                 wait.peer() + " sent something else: the two calls differ in count or type"});
}

void Engine::check_suspicion(Wait& wait) {
  const auto suspected = wait.context.suspected();
  if (!suspected) return;
  const auto now = Clock::now();
  if (wait.patience.trouble_since == Clock::time_point{}) {
    wait.patience.trouble_since = now;
    if (wait.context.observer() != nullptr) wait.context.observer()->report_wait(*suspected);
  }
  const std::string& why = wait.context.suspicion();
  if (now - wait.patience.trouble_since < (why.empty() ? verdict_grace : known_grace)) return;
  if (!why.empty()) return give_up(wait, {ErrorCode::invalid_argument, why});
  give_up(wait, {ErrorCode::invalid_argument,
                 "a message of collective #" + std::to_string(*suspected) +
                     " came from a call that differs from this rank's, or from an algorithm that "
                     "differs (hints, MOTET_* options)"});
}

void Engine::give_up(Wait& wait, const Failure& failure) {
  if (!wait.context.fail(failure)) return;
  // Its steps are done, but a peer has not got all of it.
  if (wait.has_ended()) wait.operation.phase = Operation::Phase::failed;
  if (wait.context.observer() != nullptr) wait.context.observer()->report_failure(failure);
}

}  // namespace motet
