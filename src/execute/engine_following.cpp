// Calls that are looked after though nobody may wait for them.
#include <poll.h>

#include <algorithm>
#include <set>
#include <utility>

#include "execute/engine_seen.hpp"
#include "execute/progress_thread.hpp"

namespace motet {
namespace {

// Deadlines are long.
constexpr std::chrono::milliseconds between_checks(50);

}  // namespace

void Engine::follow(Operation& operation, const Patience& patience,
                    std::unique_ptr<Follower> follower) {
  if (follower == nullptr && progress_thread_ == nullptr) return;
  followed_.push_back({++followed_ever_, &operation, patience, std::move(follower)});
  has_news_ |= operation.phase >= Operation::Phase::done;
  if (progress_thread_ != nullptr && needs_driver()) progress_thread_->ring();
}

// ---- The progress thread

void Engine::start_progress_thread() {
  {
    const Hold hold(*this);
    if (progress_thread_ != nullptr) return;
  }
  auto thread = std::make_unique<ProgressThread>(*this);
  const Hold hold(*this);
  if (progress_thread_ == nullptr) progress_thread_ = std::move(thread);
}

bool Engine::needs_driver() const {
  if (waiters_ > 0) return false;
  return !followed_.empty() || !untold_.empty() ||
         std::ranges::any_of(contexts_, [](const Context* context) { return context->is_busy(); });
}

std::optional<bool> Engine::drive() {
  bool moved = false, tells = false;
  {
    const Hold hold(*this);
    if (!needs_driver()) return std::nullopt;
    moved = pass(Width::linked);
    if (has_news_) gather_ended();
    tells = !untold_.empty();
  }
  if (tells) tell();
  if (!moved) check_followed();
  return moved;
}

void Engine::doze() {
  sleep(nullptr, {});
}

void Engine::fail_all(const Failure& failure) {
  std::vector<Context*> failing;
  {
    const Hold hold(*this);
    for (Context* context : contexts_) {
      if (context->failed()) continue;
      context->enter();
      failing.push_back(context);
    }
  }
  for (Context* context : failing) {
    give_up(*context, failure);
    const Hold hold(*this);
    context->leave();
  }
}

// ---- Followers

// What has ended is taken off the list and waits to be told. With the engine held.
void Engine::gather_ended() {
  has_news_ = false;
  for (Bed* bed : asleep_) ring_if_over(*bed);
  std::erase_if(followed_, [this](Followed& one) {
    const Operation::Phase phase = one.operation->phase;
    if (phase < Operation::Phase::done) return false;
    if (!flushed(*one.operation)) {
      has_news_ = true;
      return false;
    }
    if (one.follower == nullptr) return true;
    Context* const context = one.operation->call().context;
    context->enter();
    const bool failed = phase == Operation::Phase::failed;
    untold_.push_back({context, failed ? Follower::Outcome::failed : Follower::Outcome::done,
                       std::move(one.follower)});
    return true;
  });
}

void Engine::tell() {
  for (;;) {
    Untold next;
    {
      const Hold hold(*this);
      if (has_news_) gather_ended();
      if (untold_.empty()) return;
      next = std::move(untold_.front());
      untold_.erase(untold_.begin());
    }
    next.follower->over(next.outcome);
    next.follower.reset();
    const Hold hold(*this);
    next.context->leave();
  }
}

void Engine::part_with(Context& context) {
  {
    const Hold hold(*this);
    gather_ended();
  }
  tell();
  const auto is_visited = [&] {
    const Hold hold(*this);
    return context.is_visited();
  };
  while (is_visited()) poll(nullptr, 0, 1);
}

// Of each communicator only the oldest asks the others: what they say is said of all.
std::vector<Engine::Checked> Engine::due_checks() {
  std::vector<Checked> due;
  const Hold hold(*this);
  if (followed_.empty()) return due;
  const auto now = Clock::now();
  if (now < next_check_) return due;
  next_check_ = now + between_checks;
  std::set<const Context*> asked;
  for (const Followed& one : followed_) {
    Seen seen = see(*one.operation);
    if (seen.context.failed()) continue;
    seen.context.enter();
    if (seen.peer == nullptr) seen.reports = asked.insert(&seen.context).second;
    due.push_back({one.number, std::move(seen), one.patience});
  }
  return due;
}

void Engine::check_followed() {
  std::vector<Checked> due = due_checks();
  for (Checked& one : due) {
    const bool gave_up = !one.seen.context.failed() && check(one.seen, one.patience);
    const Hold hold(*this);
    one.seen.context.leave();
    const auto place = std::ranges::lower_bound(followed_, one.number, {}, &Followed::number);
    if (place == followed_.end() || place->number != one.number) continue;
    place->patience = one.patience;
    if (gave_up) note_given_up(*place->operation);
  }
}

}  // namespace motet
