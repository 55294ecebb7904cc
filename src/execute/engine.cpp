#include "execute/engine.hpp"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"
#include "execute/progress_thread.hpp"

namespace motet {

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
  progress_thread_.reset();
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

void Engine::add(Context& context) {
  contexts_.push_back(&context);
  next_id_ = std::max(next_id_, context.id() + 1);
}

void Engine::use_communicator_id(std::uint32_t id) {
  next_id_ = std::max(next_id_, id + 1);
  if (std::ranges::find(contexts_, id, &Context::id) != contexts_.end()) return;
  for (const auto& [peer, link] : links_) {
    link->drop_aside(operation_key(id, 0, false), communicator_mask);
  }
}

void Engine::remove_link(const Identity& peer) {
  links_.erase(peer);
}

void Engine::share_cores(int ranks, int cores) {
  if (ranks <= cores) return;
  crowded_.store(true, std::memory_order_relaxed);
  short_wait_.store(ShortWait::crowded(), std::memory_order_relaxed);
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
  bool moved = false, tells = false;
  {
    const Hold hold(*this);
    moved = pass(Width::all);
    if (has_news_) gather_ended();
    tells = !untold_.empty();
  }
  if (tells) tell();
  check_followed();
  return moved;
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
  if (role_of(header.key) == Role::consumed || context.failed()) {
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

}  // namespace motet
