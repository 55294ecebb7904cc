#include "execute/context.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "execute/engine.hpp"
#include "execute/lengths.hpp"

namespace motet {

Context::Context(Engine& engine, const Setup& setup)
    : engine_(engine),
      id_(setup.id),
      rank_(setup.rank),
      rank_in_job_(setup.rank_in_job < 0 ? setup.rank : setup.rank_in_job),
      observer_(setup.observer),
      peers_(setup.links.size()) {
  for (std::size_t i = 0; i < peers_.size(); ++i) peers_[i].link = setup.links[i];
  active_.reserve(4 * max_active);
  const Engine::Hold hold(engine_);
  engine_.add(*this);
}

Context::~Context() {
  fail({ErrorCode::aborted, "the communicator was destroyed"});
  const Engine::Hold hold(engine_);
  end_pending();
  adopted_.clear();  // they may hold memory of transports, which others drive
  engine_.remove(*this);
}

Rank Context::rank_of(const PeerLink& link) const {
  const auto found = std::ranges::find(peers_, &link, &Peer::link);
  return found == peers_.end() ? -1 : static_cast<Rank>(found - peers_.begin());
}

bool Context::has_arrived(Rank rank) const {
  const Peer& peer = peers_[static_cast<std::size_t>(rank)];
  const Key next = operation_key(id_, peer.receives_started + 1, true);
  return peer.link->find(block_key(next, 0, 0), forward_mask).arrival != nullptr;
}

void Context::start(Operation& operation, Operation::Buffers buffers, PointToPoint with) {
  const bool collective = with.peer < 0;
  std::uint64_t sequence = 0;
  if (collective) {
    sequence = ++started_;
  } else {
    Peer& peer = peers_[static_cast<std::size_t>(with.peer)];
    sequence = with.receives ? ++peer.receives_started : ++peer.sends_started;
  }
  operation.bind({buffers, sequence, with.peer, with.receives, this}, id_);
  operation.phase = Operation::Phase::queued;
  Queue& queue = collective ? queue_ : queue_of(operation);
  if (queue.empty() && may_start(operation)) return activate(operation);
  queue.push_back(&operation);
  if (!collective) ++waiting_point_to_point_;
}

Context::Queue& Context::queue_of(const Operation& operation) {
  Peer& peer = peer_of(operation);
  return operation.is_receive() ? peer.waiting_receives : peer.waiting_sends;
}

bool Context::may_start(const Operation& operation) const {
  if (operation.is_point_to_point()) {
    const Peer& peer = peers_[static_cast<std::size_t>(operation.call().point_to_point)];
    const auto sequence = static_cast<std::uint32_t>(operation.call().sequence);
    if (operation.is_receive()) return peer.receives_active < max_active;
    return peer.sends_active < max_active && sequence - peer.consumed_received <= max_ahead;
  }
  return has_window(operation.program(), operation.call().sequence);
}

void Context::look_at_all(std::uint64_t sequence) {
  // Little beside the calls between, where some peer's window stays closed.
  next_look_at_all_ = sequence + max_ahead / 2;
  window_to_all_ = sequence + max_ahead;
  for (const Peer& peer : peers_) {
    if (peer.link == nullptr) continue;
    const auto lead =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sequence) - peer.consumed);
    const auto behind = static_cast<std::uint32_t>(std::max(0, lead));  // it may be ahead
    window_to_all_ = std::min(window_to_all_, sequence + max_ahead - std::min(behind, max_ahead));
    if (behind > max_ahead) window_to_all_ = 0;
  }
}

void Context::activate(Operation& operation) {
  operation.phase = Operation::Phase::active;
  if (operation.is_point_to_point()) {
    Peer& peer = peer_of(operation);
    ++(operation.is_receive() ? peer.receives_active : peer.sends_active);
  } else {
    count_sends(operation.program(), operation.call().sequence);
  }
  active_.push_back(&operation);
  if (operation.complete() && !suspected_) finish(operation);
}

bool Context::activate_from(Queue& queue) {
  bool moved = false;
  while (!queue.empty() && may_start(*queue.front())) {
    Operation& operation = *queue.front();
    queue.erase(queue.begin());
    if (operation.is_point_to_point()) --waiting_point_to_point_;
    activate(operation);
    moved = true;
  }
  return moved;
}

bool Context::activate_waiting() {
  bool moved = !queue_.empty() && activate_from(queue_);
  if (waiting_point_to_point_ == 0) return moved;
  for (Peer& peer : peers_) {
    moved |= activate_from(peer.waiting_sends);
    moved |= activate_from(peer.waiting_receives);
  }
  return moved;
}

bool Context::advance(Operation& operation) {
  const bool moved = operation.pass();
  if (operation.mismatch()) [[unlikely]] {
    if (!operation.is_point_to_point() && !suspected_)
      suspect(operation.call().sequence, describe_mismatch(operation));
  } else if (operation.complete() && !suspected_) {
    finish(operation);
    if (!queue_.empty() || waiting_point_to_point_ > 0) activate_waiting();
  }
  return moved;
}

bool Context::pass() {
  if (failed()) {
    if (active_.empty() && queue_.empty() && waiting_point_to_point_ == 0) return false;
    end_pending();
    return true;
  }
  bool moved = activate_waiting();
  if (tell_pending_) tell_back();
  if (!engine_.has_news()) {
    std::erase_if(adopted_,
                  [](const auto& operation) { return operation->phase >= Operation::Phase::done; });
  }
  for (std::size_t i = active_.size(); i-- > 0;) {  // finishing removes the one at i
    if (i < active_.size()) moved |= advance(*active_[i]);
  }
  return moved;
}

void Context::finish(Operation& operation) {
  *std::ranges::find(active_, &operation) = active_.back();
  active_.pop_back();
  if (operation.is_point_to_point()) {
    conclude_point_to_point(operation);
  } else {
    conclude_collective(operation.program(), operation.call().sequence,
                        operation.call().buffers.output);
  }
  operation.phase = Operation::Phase::done;
  engine_.note_end();
}

// Counts what has been consumed, and tells those who may be waiting to know.
void Context::conclude_point_to_point(const Operation& operation) {
  Peer& peer = peer_of(operation);
  if (!operation.is_receive()) {
    --peer.sends_active;
    return;
  }
  --peer.receives_active;
  peer.received.complete(operation.call().sequence);
  tell_pending_ |= peer.received.value() - peer.told_received >= tell_every;
  if (tell_pending_) tell_back();
}

void Context::drop_left(PeerLink& link, std::uint64_t sequence) {
  if (link.drop_aside(operation_key(id_, sequence, false), operation_mask) > 0) suspect(sequence);
}

void Context::tell_back() {
  tell_pending_ = false;
  for (Peer& peer : peers_) {
    const bool news = static_cast<std::uint32_t>(completed_.value()) != peer.told;
    if (peer.untold >= tell_every && news) tell_pending_ |= !tell(peer, false);
    tell_pending_ |= peer.untold >= tell_every;
    if (peer.received.value() - peer.told_received >= tell_every)
      tell_pending_ |= !tell(peer, true);
  }
}

bool Context::tell(Peer& peer, bool point_to_point) {
  const auto rank = static_cast<Rank>(&peer - peers_.data());
  const Key key = with_role(operation_key(id_, 0, point_to_point), Role::consumed);
  const Header header{
      .key = key, .consumed = consumed_for(rank, point_to_point), .stream = stream_of(key)};
  if (!peer.link->send(header, nullptr)) return false;
  note_told(rank, point_to_point);
  return true;
}

bool Context::fail(const Failure& failure) {
  const std::scoped_lock lock(failure_mutex_);
  if (failed_.load(std::memory_order_relaxed)) return false;
  failure_ = failure;
  disturbed_.store(true, std::memory_order_relaxed);
  failed_.store(true, std::memory_order_release);
  engine_.wake();
  return true;
}

Failure Context::failure() const {
  const std::scoped_lock lock(failure_mutex_);
  return failure_;
}

// Whoever waits may let go of the buffers as soon as the call has failed: before that nobody
// touches them any more.
void Context::end_pending() {
  for (Peer& peer : peers_) {
    if (peer.link != nullptr) peer.link->forget(operation_key(id_, 0, false), communicator_mask);
  }
  if (!active_.empty()) engine_.withdraw_memory();
  for (Operation* operation : active_) operation->phase = Operation::Phase::failed;
  for (Operation* operation : queue_) operation->phase = Operation::Phase::failed;
  active_.clear();
  queue_.clear();
  for (Peer& peer : peers_) {
    for (Queue* queue : {&peer.waiting_sends, &peer.waiting_receives}) {
      for (Operation* operation : *queue) operation->phase = Operation::Phase::failed;
      queue->clear();
    }
    if (peer.link == nullptr) continue;
    peer.link->drop_aside(operation_key(id_, 0, false), communicator_mask);
  }
  waiting_point_to_point_ = 0;
  engine_.note_end();
}

void Context::suspect(std::uint64_t sequence, std::string why) {
  if (suspected_) return;
  suspected_ = sequence;
  disturbed_.store(true, std::memory_order_relaxed);
  suspicion_ = std::move(why);
}

std::string Context::describe_mismatch(const Operation& operation) const {
  const auto& lengths = operation.lengths();
  if (!lengths) return {};
  const std::string sent =
      lengths->sent ? std::to_string(*lengths->sent) : std::to_string(most_told) + " or more";
  return link(lengths->peer)->peer() + " sends " + sent + " elements to rank " +
         std::to_string(rank_in_job_) + ", which expects " + std::to_string(lengths->expected);
}

const Operation* Context::active_collective(std::uint32_t sequence) const {
  const auto found = std::ranges::find_if(active_, [&](const Operation* operation) {
    return !operation->is_point_to_point() && sequence_of(operation->key()) == sequence;
  });
  return found == active_.end() ? nullptr : *found;
}

}  // namespace motet
