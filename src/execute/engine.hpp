// One rank of this process: its transports, its links to peers and all its communicators. They
// share progress: whoever waits for one operation drives the others too, so that two communicators
// may be waited for in opposite orders.
//
// Whoever drives it holds it (Hold) for a pass, never while asleep or in foreign code. Several
// threads may drive it, and none but them is needed.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "execute/context.hpp"
#include "execute/follower.hpp"
#include "execute/peer_link.hpp"
#include "execute/waiting.hpp"
#include "net/descriptor.hpp"
#include "transport/transport.hpp"

namespace motet {

class ProgressThread;

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
  // this large belongs to a communicator that does not exist here yet. With the engine held, while
  // making it: one is made at a time, so what comes for it is kept until it exists.
  std::uint32_t next_communicator_id() const { return next_id_; }
  // None of that id exists, or it will never again: what has come for it is dropped.
  void use_communicator_id(std::uint32_t id);
  // False: another is being made.
  bool begin_making() { return !std::exchange(is_making_, true); }
  void end_making() { is_making_ = false; }
  // How many ranks, this one included, share how many cores of this node.
  void share_cores(int ranks, int cores);
  // How long a short call waits for its blocks before it does as others do.
  ShortWait short_wait() const { return short_wait_.load(std::memory_order_relaxed); }

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
  // Other engines that a waiter drives, because the calls of several ranks are its thread's.
  using Company = std::vector<std::shared_ptr<Engine>>;
  // Drives everything, this operation first, until it is over: Phase done or failed. After the
  // timeout the communicator is failed. Takes the engine by itself.
  void wait(Context& context, Operation& operation, Patience patience, const Company& company = {});
  // A little progress: this operation first, then everything. True if it is over. Fails the
  // communicator where wait() does. Takes the engine by itself.
  bool advance(Context& context, Operation& operation, Patience& patience);
  // Drives everything once. True if anything moved. Takes the engine by itself.
  bool progress();

  // With the engine held: looks after an operation that may have no waiter. Whoever drives the
  // engine notices its end and its deadline. It must live until its end; the follower may own it.
  // Null: nobody wants to hear, and only a progress thread looks after it.
  void follow(Operation& operation, const Patience& patience, std::unique_ptr<Follower> follower);
  // Tells followers what has ended; whoever has driven the engine does so. Takes it by itself.
  void tell();
  // Tells those of this context, which has failed; then nobody else's thread uses it any more.
  void part_with(Context& context);

  // From now on a thread of its own drives the engine while nobody else does. Throws Error{system}.
  // Later calls change nothing.
  void start_progress_thread();
  // For that thread. Something is under way and nobody waits; with the engine held.
  bool needs_driver() const;
  // One pass, if that is so: whether anything moved.
  std::optional<bool> drive();
  // Sleeps until a peer rings or it is time to look at deadlines.
  void doze();
  // Every communicator, on all of its ranks.
  void fail_all(const Failure& failure);

  // For Context, with the engine held.
  void add(Context& context);
  void remove(Context& context) { std::erase(contexts_, &context); }
  void withdraw_memory();
  void note_end() { has_news_ = true; }
  bool has_news() const { return has_news_; }  // some that have ended may still be looked at
  // Any thread: whoever sleeps looks again.
  void wake() noexcept;
  // Blocks that wait for an operation that has not begun. For tests: zero after a barrier.
  std::size_t aside_count() const;

 private:
  struct Wait;
  struct Seen;
  struct Checked;
  // Where one thread sleeps.
  struct Bed {
    Descriptor bell;  // eventfd; without one it looks at deadlines alone
    const Operation* operation;
  };
  struct Followed {
    std::uint64_t number;
    Operation* operation;
    Patience patience;
    std::unique_ptr<Follower> follower;
  };
  struct Untold {
    Context* context;
    Follower::Outcome outcome;
    std::unique_ptr<Follower> follower;
  };

  void hold_when_free();
  // linked: leaves out transports without links, whose progress() only accepts connections.
  enum class Width : std::uint8_t { linked, all };
  bool pass(Width width);
  bool sort_out(PeerLink& link);
  static bool belongs_to_later_call(const Context& context, const Header& header);
  bool poll_networks();
  bool flushed(const Operation& operation);
  Waiting::Moved look(Wait& wait, bool widely);
  void count(Wait& wait);
  // operation: whose end wakes the sleeper; null: it sleeps for none.
  void sleep(const Operation* operation, const Company& company);
  struct Night;
  Bed& lie_down(const Operation* operation, Night& night);
  Bed& take_bed(const Operation* operation);
  void rise(Bed& bed);
  bool drive_company(const Company& company);
  static void ring_if_over(const Bed& bed);
  static Seen see(const Operation& operation);
  void check(Wait& wait);
  void ask(Wait& wait);
  static bool give_up(Context& context, const Failure& failure);
  static bool check(const Seen& seen, Patience& patience);
  static std::optional<Failure> find_failure(const Seen& seen, Patience& patience,
                                             Clock::time_point now);
  static std::optional<Failure> find_suspicion(const Seen& seen, Patience& patience,
                                               Clock::time_point now);
  void note_given_up(Operation& operation);
  void check_followed();
  std::vector<Checked> due_checks();
  void gather_ended();

  const Identity identity_;
  std::vector<NamedTransport> transports_;
  std::vector<Transport*> networks_;  // those whose arrivals need progress() to be seen
  SharedMemory* shared_memory_ = nullptr;
  std::vector<Withdrawable*> withdrawable_;
  std::atomic<bool> crowded_{false};                       // relaxed: a hint
  std::atomic<ShortWait> short_wait_{ShortWait::roomy()};  // likewise
  Descriptor wake_;                                        // eventfd
  std::atomic_flag held_ = ATOMIC_FLAG_INIT;               // acquire and release: a lock

  // What follows, and the transports, are used with the engine held.
  std::map<Identity, std::unique_ptr<PeerLink>> links_;
  std::set<const Transport*> linked_;  // those that some link uses
  std::vector<Context*> contexts_;
  std::uint32_t next_id_ = 1;
  bool is_making_ = false;
  int waiters_ = 0;                         // threads in wait()
  std::vector<std::unique_ptr<Bed>> beds_;  // as many as ever slept at once
  std::vector<Bed*> free_beds_, asleep_;
  bool has_news_ = false;           // something has ended
  std::vector<Followed> followed_;  // in the order of their numbers
  std::uint64_t followed_ever_ = 0;
  std::vector<Untold> untold_;
  Clock::time_point next_check_{};  // of what is followed
  std::unique_ptr<ProgressThread> progress_thread_;
};

}  // namespace motet
