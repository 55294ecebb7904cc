// Programs of calls made before, with idle operations ready to run them again. Bounded: what has
// not been used for longest goes first, but for those at hand (recent, latest). v-forms, whose
// counts may be others in every call, have less room of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "communicator/arguments.hpp"
#include "communicator/way_trial.hpp"
#include "execute/operation.hpp"

namespace motet {

// What makes two calls run the same program.
struct PlanKey {
  using Counts = std::span<const std::size_t>;

  const Algorithm* algorithm = nullptr;
  std::size_t count = 0;
  Counts counts, received_counts;  // of a v-form: the caller's, or those that a plan keeps
  Rank root = 0;
  Collective collective{};
  DataType type{};
  ReduceOp op{};
  Determinism determinism{};
  Form form{};
  bool in_place = false;
  bool commutative = true;
  std::size_t element_bytes = 0;  // of a user's reduction; else the type says it

  PlanKey(const Arguments& arguments, bool is_in_place, Rank me, int world_size);
  bool operator==(const PlanKey& other) const;
};

class CachedPlan {
 public:
  CachedPlan(const PlanKey& key, const Arguments& arguments, const Extent& extent,
             const CallRecord& record, Program program);

  // Whether these arguments have been checked with this plan: equal words, and buffers that lie to
  // one another as before.
  bool serves(const Arguments& arguments) const {
    // One branch for the usual answer.
    const std::size_t differences = (arguments.kind() ^ kind_) | (arguments.count ^ key_.count) |
                                    (distance_of(arguments) ^ distance_) |
                                    (reinterpret_cast<std::uintptr_t>(arguments.algorithm) ^
                                     reinterpret_cast<std::uintptr_t>(key_.algorithm));
    const bool has_buffers = arguments.input != nullptr && arguments.output != nullptr;
    return differences == 0 && (has_buffers || !needs_buffers_);
  }
  // Remembers that check() has passed for arguments of this plan's key.
  void note_checked(const Arguments& arguments) { distance_ = distance_of(arguments); }

  // An operation that nobody uses; a new one if need be. The plan stays while one is out.
  std::unique_ptr<Operation> take() {
    ++out_;
    if (idle_.empty()) return std::make_unique<Operation>(program_);
    auto operation = std::move(idle_.back());
    idle_.pop_back();
    return operation;
  }
  // Called when it is over and nobody looks at it any more.
  void give_back(std::unique_ptr<Operation> operation) {
    --out_;
    operation->phase = Operation::Phase::idle;
    if (idle_.size() < max_idle) idle_.push_back(std::move(operation));
  }
  WayTrial& trial() { return trial_; }
  // Called instead when somebody else keeps it until it is over.
  void abandon() { --out_; }

  const PlanKey& key() const { return key_; }
  const Extent& extent() const { return extent_; }
  const Program& program() const { return *program_; }
  // Never one for send and recv, which have an order of their own.
  bool is_short() const { return is_short_; }
  // What the caller asked for.
  CallRecord record(std::uint64_t sequence) const;
  const CallLog::Words& logged() const { return logged_; }
  void log_to(CallLog& log, std::uint64_t sequence) const {
    is_uneven() ? log.write_uneven(sequence, logged_) : log.write(sequence, logged_);
  }
  bool is_uneven() const { return record_.is_uneven; }
  bool in_use() const { return out_ > 0 || pins_ > 0; }
  // Stays for somebody who will use it again.
  void pin() { ++pins_; }
  void unpin() { --pins_; }
  std::size_t bytes() const;

 private:
  // More are made when more are outstanding and dropped afterwards.
  static constexpr std::size_t max_idle = 4;

  static std::uintptr_t distance_of(const Arguments& arguments) {
    return reinterpret_cast<std::uintptr_t>(arguments.output) -
           reinterpret_cast<std::uintptr_t>(arguments.input);
  }

  void keep_counts();

  PlanKey key_;
  Extent extent_;
  std::uint64_t kind_;
  CallRecord record_;
  CallLog::Words logged_;
  bool is_short_;
  bool needs_buffers_;               // both; a barrier needs none
  std::vector<std::size_t> counts_;  // the key's, one after the other
  WayTrial trial_;
  std::uintptr_t distance_ = 0;  // between the buffers of the call checked last
  std::shared_ptr<const Program> program_;
  std::vector<std::unique_ptr<Operation>> idle_;
  std::size_t out_ = 0, pins_ = 0;
};

class PlanCache {
 public:
  // Null if there is none. Stays until `add` drops it, which it does not while in use.
  CachedPlan* find(const PlanKey& key);
  CachedPlan& add(std::unique_ptr<CachedPlan> plan);
  void clear();
  // The one that a call has used last; null before. It stays until another one is.
  void note_latest(const CachedPlan& plan) { latest_ = &plan; }
  const CachedPlan* latest() const { return latest_; }
  // The one found or added last for arguments like these, or null: a few instructions. It need not
  // serve them. Programs repeat a handful of calls in turn.
  CachedPlan* recent(const Arguments& arguments) const { return recent_[place_of(arguments)]; }
  // `arguments` have been checked and are those of this plan.
  void note_use(const Arguments& arguments, CachedPlan& plan) {
    if (arguments.is_uneven()) return;
    plan.note_checked(arguments);
    // Those at hand are told apart by less than a user's reduction needs.
    if (arguments.op != ReduceOp::user) recent_[place_of(arguments)] = &plan;
  }

 private:
  struct Hash {
    std::size_t operator()(const PlanKey& key) const noexcept;
  };
  static std::size_t place_of(const Arguments& arguments) {
    const std::uint64_t word = arguments.kind() + arguments.count * 0x100000001b3U;
    return word * 0x9e3779b97f4a7c15U >> 59;
  }

  using Order = std::list<std::unique_ptr<CachedPlan>>;  // latest first
  struct Shelf {
    std::size_t most_plans, most_bytes;
    Order order{};
    std::size_t bytes = 0;

    bool is_overfull() const { return bytes > most_bytes || order.size() > most_plans; }
  };
  Shelf& shelf_of(Form form) { return form == Form::uneven ? uneven_ : even_; }
  void shrink(Shelf& shelf);

  bool is_at_hand(const CachedPlan& plan) const;

  const CachedPlan* latest_ = nullptr;
  std::array<CachedPlan*, 32> recent_{};  // by place_of
  // Programs and the scratch memory of one operation each: plenty for a training step's sizes,
  // little beside its tensors.
  Shelf even_{.most_plans = 1024, .most_bytes = std::size_t{256} << 20};
  Shelf uneven_{.most_plans = 128, .most_bytes = std::size_t{64} << 20};
  std::unordered_map<PlanKey, Order::iterator, Hash> index_;
};

}  // namespace motet
