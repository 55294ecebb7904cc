// A communicator as the executor sees it: which of its operations are under way, and how far peers
// have come.
//
// At most 16 collectives (and 16 sends and receives per peer and direction) are active; later ones
// wait their turn in the order of their start, and those that send to a peer which has not consumed
// the last 64 do so, too. Peers learn what has been consumed from Header::consumed, at least every
// 32 operations.
//
// All functions need the engine to be held, except fail() and failure().
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "execute/operation.hpp"
#include "execute/waiting.hpp"

namespace motet {

class Engine;

// The first cause why a communicator is aborted.
struct Failure {
  ErrorCode code{};
  std::string text;  // without the call that noticed it
};

// What the executor asks of those who know more than one rank does. Called without the engine held.
class Observer {
 public:
  virtual ~Observer() = default;
  // This rank has waited 200 ms in collective `sequence`, or has seen a message that belongs to
  // another call.
  virtual void report_wait(std::uint64_t sequence) = 0;
  // For the text of a timeout: "rank 2 does not answer".
  virtual std::string where_is_everybody(std::uint64_t sequence) = 0;
  // This rank has found a first cause itself.
  virtual void report_failure(const Failure& failure) = 0;
};

// Of operations numbered from 1: up to which all are complete.
class Watermark {
 public:
  void complete(std::uint64_t sequence) {
    if (ahead_ == 0 && sequence == value_ + 1) {
      ++value_;
      return;
    }
    ahead_ |= std::uint64_t{1} << (sequence - value_ - 1);
    while ((ahead_ & 1) != 0) {
      ahead_ >>= 1;
      ++value_;
    }
  }
  // The same for the only one under way.
  void complete_last(std::uint64_t sequence) { value_ = sequence; }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
  std::uint64_t ahead_ = 0;  // bit i: value_ + 1 + i is complete (at most max_ahead come before)
  static_assert(max_ahead <= 64);
};

class Context {
 public:
  struct Setup {
    std::uint32_t id = 0;
    Rank rank = 0;
    std::vector<PeerLink*> links;  // by rank; null for this rank
    Observer* observer = nullptr;
    Rank rank_in_job = -1;  // as texts have it; not set: `rank`
  };
  Context(Engine& engine, const Setup& setup);
  ~Context();  // ends what is outstanding as aborted
  Context(const Context&) = delete;

  // The number that the next collective will get.
  std::uint64_t next_sequence() const { return started_ + 1; }
  // Whether a block of the message that the next recv from there will get has come.
  bool has_arrived(Rank peer) const;
  // A send or recv. Collectives have no peer.
  struct PointToPoint {
    Rank peer = -1;
    bool receives = false;
  };
  // Takes its place in the order of calls; runs at once or when its turn comes. The buffers stay
  // untouched until it is over.
  void start(Operation& operation, Operation::Buffers buffers, PointToPoint point_to_point);
  // Starts a collective with a short program, if nothing else is under way, and takes its steps in
  // order as long as each can be done at once, or after a short wait. Returns the first step not
  // done: resume() must follow. The end of the steps: it is over. Null: not started.
  const ShortStep* run_short(const Program& program, Operation::Buffers buffers);
  void resume(Operation& operation, Operation::Buffers buffers, const ShortStep* next);
  // Keeps an operation that its owner gives up until it is over.
  void adopt(std::unique_ptr<Operation> operation) { adopted_.push_back(std::move(operation)); }
  // One pass of one active operation.
  bool advance(Operation& operation);
  // One pass of all; starts those whose turn has come.
  bool pass();

  // Any thread. The first cause wins; everything pending and later ends with it. True if this was
  // the first.
  bool fail(const Failure& failure);
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  // Failed, or suspected to have to. A call that is under way may not have seen it yet.
  bool is_disturbed() const { return disturbed_.load(std::memory_order_relaxed); }
  Failure failure() const;  // requires failed()
  // Ends what is pending after a failure. Peers do not touch its buffers afterwards.
  void end_pending();

  // A message of collective `sequence` came that this rank's own call cannot have caused: nothing
  // completes any more until the cause is known. `why`: it, if all ranks turn out to make the same
  // call.
  void suspect(std::uint64_t sequence, std::string why = {});
  std::optional<std::uint64_t> suspected() const { return suspected_; }
  const std::string& suspicion() const { return suspicion_; }  // "": nothing is known

  std::uint32_t id() const { return id_; }
  Rank rank() const { return rank_; }
  PeerLink* link(Rank rank) const { return peers_[static_cast<std::size_t>(rank)].link; }
  int world_size() const { return static_cast<int>(peers_.size()); }
  std::uint64_t completed() const { return completed_.value(); }
  // Whether anything is under way.
  bool is_busy() const {
    return !active_.empty() || !queue_.empty() || waiting_point_to_point_ > 0;
  }
  // Threads that use it for a moment without holding the engine.
  void enter() { ++visitors_; }
  void leave() { --visitors_; }
  bool is_visited() const { return visitors_ > 0; }
  std::size_t active_count() const { return active_.size(); }
  Observer* observer() const { return observer_; }
  // The active collective of this sequence (low bits), or null.
  const Operation* active_collective(std::uint32_t sequence) const;

  // Used by operations for every header.
  std::uint32_t consumed_for(Rank peer, bool point_to_point) const {
    const Peer& p = peers_[static_cast<std::size_t>(peer)];
    return static_cast<std::uint32_t>(point_to_point ? p.received.value() : completed_.value());
  }
  void note_told(Rank peer, bool point_to_point) {
    Peer& p = peers_[static_cast<std::size_t>(peer)];
    (point_to_point ? p.told_received : p.told) = consumed_for(peer, point_to_point);
    if (!point_to_point && p.last_from <= completed_.value()) p.untold = 0;
  }
  void note_consumed(Rank peer, bool point_to_point, std::uint32_t value) {
    Peer& p = peers_[static_cast<std::size_t>(peer)];
    std::uint32_t& known = point_to_point ? p.consumed_received : p.consumed;
    if (static_cast<std::int32_t>(value - known) > 0) known = value;
  }
  Rank rank_of(const PeerLink& link) const;

 private:
  using Queue = std::vector<Operation*>;  // few and short: erased at the front
  // Peers are told at least this often, with a message of its own if no other goes their way: half
  // of max_ahead, so that nobody waits for it.
  static constexpr std::uint32_t tell_every = max_ahead / 2;
  struct Peer {
    PeerLink* link = nullptr;
    std::uint32_t consumed = 0;   // collectives that the peer has completed, as it said
    std::uint32_t told = 0;       // what this rank last said of itself
    std::uint64_t last_from = 0;  // the latest completed collective in which the peer sent to here
    std::uint32_t untold = 0;     // how many of those the peer may not know to be consumed
    std::uint32_t sends = 0;      // collectives in which this rank sends to the peer: how many,
    std::array<std::uint32_t, max_ahead> sent{};  // and the sequences of the latest
    std::uint32_t consumed_received = 0;  // the same for messages that it has received from here
    std::uint32_t told_received = 0;
    std::uint64_t sends_started = 0, receives_started = 0;
    std::uint32_t sends_active = 0, receives_active = 0;
    Watermark received;
    Queue waiting_sends, waiting_receives;
  };

  bool may_start(const Operation& operation) const;
  void activate(Operation& operation);
  // Whether all that the collective sends to have consumed what was sent to them 64 collectives
  // ago.
  bool has_window(const Program& program, std::uint64_t sequence) const {
    // The watermark counts from the oldest that is still under way.
    if (sequence > completed_.value() + max_active) return false;
    for (const Partner& partner : program.partners) {
      if (!partner.sends_to) continue;
      const Peer& peer = peers_[static_cast<std::size_t>(partner.rank)];
      const std::uint32_t oldest = peer.sent[peer.sends % max_ahead];
      if (static_cast<std::int32_t>(oldest - peer.consumed) > 0) return false;
    }
    return true;
  }
  // Whether every peer has consumed all up to 64 collectives ago, as far as was known lately; then
  // there is a window for any program.
  bool has_window_to_all(std::uint64_t sequence) {
    if (sequence <= window_to_all_) [[likely]]
      return true;
    if (sequence >= next_look_at_all_) look_at_all(sequence);
    return sequence <= window_to_all_;
  }
  void look_at_all(std::uint64_t sequence);
  static void count_send(Peer& peer, std::uint64_t sequence) {
    peer.sent[peer.sends++ % max_ahead] = static_cast<std::uint32_t>(sequence);
  }
  void count_sends(const Program& program, std::uint64_t sequence) {
    for (const Partner& partner : program.partners) {
      if (partner.sends_to) count_send(peers_[static_cast<std::size_t>(partner.rank)], sequence);
    }
  }
  std::string describe_mismatch(const Operation& operation) const;
  bool activate_waiting();
  bool activate_from(Queue& queue);
  void finish(Operation& operation);
  void conclude_collective(const Program& program, std::uint64_t sequence, void* output) {
    if (program.divide != nullptr) program.divide(output, program.output_count, program.divisor);
    completed_.complete(sequence);
    for (const Partner& partner : program.partners) {
      // What is set aside for a finished collective was sent by a call that differs from this one.
      if (partner.link->aside_count() > 0) [[unlikely]]
        drop_left(*partner.link, sequence);
      if (!partner.receives_from) continue;
      Peer& peer = peers_[static_cast<std::size_t>(partner.rank)];
      peer.last_from = std::max(peer.last_from, sequence);
      tell_pending_ |= ++peer.untold >= tell_every;
    }
    if (tell_pending_) [[unlikely]]
      tell_back();
  }
  void conclude_point_to_point(const Operation& operation);
  void drop_left(PeerLink& link, std::uint64_t sequence);
  struct Short;
  template <class End>
  const ShortStep* run_steps(Short& call);
  template <class End>
  bool take_step(Short& call, const ShortStep& step);
  template <class End>
  static bool send_at_once(const Short& call, const ShortStep& step);
  void conclude_short(const Short& call);
  [[gnu::noinline]] const ShortStep* run_virtual_steps(Short& call);
  [[gnu::noinline]] void note_partial(const Short& call, const ShortStep* next);
  template <class End>
  bool receive_at_once(Short& call, const ShortStep& step);
  [[gnu::noinline]] static bool return_at_once(Short& call, const ShortStep& step);
  bool receive_line(Short& call, const ShortStep& step);
  static void take(const Short& call, const ShortStep& step, const std::byte* incoming);
  static void combine(const Short& call, const ShortStep& step, const std::byte* incoming);
  void tell_back();
  bool tell(Peer& peer, bool point_to_point);
  Queue& queue_of(const Operation& operation);  // point to point
  Peer& peer_of(const Operation& operation) {
    return peers_[static_cast<std::size_t>(operation.call().point_to_point)];
  }

  Engine& engine_;
  const std::uint32_t id_;
  const Rank rank_;
  const Rank rank_in_job_;
  const Key first_key_ = operation_key(id_, 0, false);  // what all of its keys and streams share
  const std::uint32_t first_stream_ = collective_stream(id_, 0);
  Observer* const observer_;
  std::vector<Peer> peers_;
  std::uint64_t started_ = 0;
  Watermark completed_;
  std::uint64_t window_to_all_ = 0;     // up to which collective there is one
  std::uint64_t next_look_at_all_ = 0;  // from which on it is worth looking again
  Queue queue_;                         // collectives waiting their turn
  Queue active_;
  std::vector<std::unique_ptr<Operation>> adopted_;
  std::size_t waiting_point_to_point_ = 0;  // in the queues of all peers
  bool tell_pending_ = false;  // somebody has to be told, and there may have been no room
  std::optional<std::uint64_t> suspected_;
  std::string suspicion_;
  int visitors_ = 0;
  std::array<std::byte, short_scratch_bytes> short_scratch_;

  std::atomic<bool> disturbed_{false};  // failed or suspected; set before failed_, which carries it
  std::atomic<bool> failed_{false};  // release after failure_ is written, acquire before it is read
  mutable std::mutex failure_mutex_;
  Failure failure_;  // guarded by failure_mutex_ until failed_
};

}  // namespace motet
