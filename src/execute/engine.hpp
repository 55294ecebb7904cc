// One rank of this process: its transports, its links to peers and all its communicators. They
// share progress: whoever waits for one operation drives the others too, so that two communicators
// may be waited for in opposite orders.
//
// Whoever drives it holds it (Hold) for a pass, never while asleep. Nobody else's thread is needed.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "execute/context.hpp"
#include "execute/peer_link.hpp"
#include "execute/waiting.hpp"
#include "net/descriptor.hpp"
#include "transport/transport.hpp"

namespace motet {

class Engine {
 public:
  struct NamedTransport {
    std::string name;
    std::unique_ptr<Transport> transport;
  };
  Engine(const Identity& identity, std::vector<NamedTransport> transports);
  ~Engine();
  Engine(const Engine&) = delete;

  // Exclusive use of the engine. Spins and yields: passes are short.
  class Hold {
   public:
    explicit Hold(Engine& engine) : engine_(engine) {
      if (engine_.held_.test_and_set(std::memory_order_acquire)) [[unlikely]]
        engine_.hold_when_free();
    }
    ~Hold() { engine_.held_.clear(std::memory_order_release); }
    Hold(const Hold&) = delete;

   private:
    Engine& engine_;
  };

  const Identity& identity() const { return identity_; }
  std::span<const NamedTransport> transports() const { return transports_; }
  Transport* find_transport(std::string_view name) const;         // null: there is none
  SharedMemory* shared_memory() const { return shared_memory_; }  // null: none shares memory

  // The link to a peer's engine, or null. With the engine held.
  PeerLink* find_link(const Identity& peer) const;
  PeerLink* add_link(const Identity& peer, std::unique_ptr<PeerLink> link);
  // Whether some communicator does.
  bool is_used(const PeerLink& link) const;
  // Closes and forgets a link that no communicator uses.
  void remove_link(const Identity& peer);
  // Communicator ids are given out in growing order and never again: a block for an id at least
  // this large belongs to a communicator that does not exist here yet.
  std::uint32_t next_communicator_id() const { return next_id_; }
  void use_communicator_id(std::uint32_t id) { next_id_ = std::max(next_id_, id + 1); }
  // How many ranks, this one included, share how many cores of this node.
  void share_cores(int ranks, int cores);
  // How long a short call waits for its blocks before it does as others do.
  ShortWait short_wait() const { return ShortWait(crowded_); }

  // What somebody who waits remembers between his looks.
  struct Patience {
    std::chrono::milliseconds timeout{};
    Clock::time_point since{};  // when waiting began; not set: when it becomes slow
    Clock::time_point next_report{};
    // When a link was first seen to have failed, or a call to differ.
    Clock::time_point trouble_since{};
    Interruption interruption{};
    Clock::time_point next_question{};
  };
  // Drives everything, this operation first, until it is over: Phase done or failed. After the
  // timeout the communicator is failed. Takes the engine by itself.
  void wait(Context& context, Operation& operation, Patience patience);
  // A little progress: this operation first, then everything. True if it is over. Fails the
  // communicator where wait() does. Takes the engine by itself.
  bool advance(Context& context, Operation& operation, Patience& patience);
  // Drives everything once. True if anything moved. Takes the engine by itself.
  bool progress();

  // For Context, with the engine held.
  void add(Context& context) { contexts_.push_back(&context); }
  void remove(Context& context) { std::erase(contexts_, &context); }
  void withdraw_memory();
  // Any thread: whoever sleeps looks again.
  void wake() noexcept;
  // Blocks that wait for an operation that has not begun. For tests: zero after a barrier.
  std::size_t aside_count() const;

 private:
  struct Wait;

  void hold_when_free();
  // linked: leaves out transports without links, whose progress() only accepts connections.
  enum class Width : std::uint8_t { linked, all };
  bool pass(Width width);
  bool sort_out(PeerLink& link);
  static bool belongs_to_later_call(const Context& context, const Header& header);
  bool poll_networks();
  bool flushed(const Operation& operation);
  Waiting::Moved look(Wait& wait, bool widely);
  void sleep();
  void check(Wait& wait);
  void ask(Wait& wait);
  void check_links(Wait& wait);
  void check_mismatch(Wait& wait);
  void check_suspicion(Wait& wait);
  void give_up(Wait& wait, const Failure& failure);

  const Identity identity_;
  std::vector<NamedTransport> transports_;
  std::vector<Transport*> networks_;   // those whose arrivals need progress() to be seen
  std::set<const Transport*> linked_;  // those that some link uses
  SharedMemory* shared_memory_ = nullptr;
  std::vector<Withdrawable*> withdrawable_;
  std::map<Identity, std::unique_ptr<PeerLink>> links_;
  std::vector<Context*> contexts_;
  std::uint32_t next_id_ = 1;
  bool crowded_ = false;
  Descriptor wake_;                           // eventfd
  std::atomic_flag held_ = ATOMIC_FLAG_INIT;  // acquire and release: a lock
  std::atomic<int> sleepers_{0};              // relaxed: a hint; the eventfd orders
};

}  // namespace motet
