// Programs of calls made before, with idle operations ready to run them again. Bounded: what has not been used for longest goes
// first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "communicator/arguments.hpp"
#include "execute/operation.hpp"

namespace motet {

// What makes two calls run the same program.
struct PlanKey {
  const Algorithm* algorithm = nullptr;
  std::size_t count = 0;
  Rank root = 0;
  Collective collective{};
  DataType type{};
  ReduceOp op{};
  Determinism determinism{};
  bool in_place = false;

  bool operator==(const PlanKey&) const = default;
};

struct CachedPlan {
  PlanKey key;
  std::shared_ptr<const Program> program;
  std::vector<std::shared_ptr<Operation>> idle;

  // An operation that nobody uses; a new one if need be.
  std::shared_ptr<Operation> take();
  // Called when it is over and nobody looks at it any more.
  void give_back(std::shared_ptr<Operation> operation);
};

class PlanCache {
 public:
  // Null if there is none. The result lives until `add` drops it; whoever needs it longer holds a pointer.
  std::shared_ptr<CachedPlan> find(const PlanKey& key);
  std::shared_ptr<CachedPlan> add(const PlanKey& key, Program program);
  // The plan found or added last, without counting references: the same call again and again.
  const std::shared_ptr<CachedPlan>& latest() const { return latest_; }

 private:
  struct Hash {
    std::size_t operator()(const PlanKey& key) const noexcept;
  };
  using Order = std::list<std::shared_ptr<CachedPlan>>;  // latest first

  void shrink();

  std::shared_ptr<CachedPlan> latest_;
  Order order_;
  std::unordered_map<PlanKey, Order::iterator, Hash> index_;
  std::size_t bytes_ = 0;
};

}  // namespace motet
