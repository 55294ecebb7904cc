#include "communicator/plan_cache.hpp"

namespace motet {
namespace {

// Of programs and the scratch memory of one operation each: plenty for a training step's sizes, little beside its tensors.
constexpr std::size_t max_bytes = std::size_t{256} << 20;
constexpr std::size_t max_plans = 1024;
// Kept per plan; more are made when more are outstanding and dropped afterwards.
constexpr std::size_t max_idle = 4;

std::size_t bytes_of(const Program& program) {
  return program.instructions.size() * sizeof(Instruction) +
         program.dependencies.size() * sizeof(Dependency) + program.scratch_bytes;
}

}  // namespace

std::shared_ptr<Operation> CachedPlan::take() {
  if (idle.empty()) return std::make_shared<Operation>(program);
  auto operation = std::move(idle.back());
  idle.pop_back();
  return operation;
}

void CachedPlan::give_back(std::shared_ptr<Operation> operation) {
  operation->phase = Operation::Phase::idle;
  if (idle.size() < max_idle) idle.push_back(std::move(operation));
}

std::size_t PlanCache::Hash::operator()(const PlanKey& key) const noexcept {
  std::size_t hash = key.count;
  const auto mix = [&hash](std::size_t word) { hash = (hash ^ word) * 0x9e3779b97f4a7c15U; };
  mix(reinterpret_cast<std::size_t>(key.algorithm));
  mix(static_cast<std::size_t>(key.root));
  mix(static_cast<std::size_t>(key.collective) | static_cast<std::size_t>(key.type) << 8 |
      static_cast<std::size_t>(key.op) << 16 | static_cast<std::size_t>(key.determinism) << 24 |
      static_cast<std::size_t>(key.in_place) << 32);
  return hash;
}

std::shared_ptr<CachedPlan> PlanCache::find(const PlanKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  latest_ = order_.front();
  return latest_;
}

std::shared_ptr<CachedPlan> PlanCache::add(const PlanKey& key, Program program) {
  bytes_ += bytes_of(program);
  auto plan = std::make_shared<CachedPlan>();
  plan->key = key;
  plan->program = std::make_shared<const Program>(std::move(program));
  order_.push_front(std::move(plan));
  index_[key] = order_.begin();
  latest_ = order_.front();
  shrink();
  return latest_;
}

void PlanCache::shrink() {
  while (order_.size() > 1 && (bytes_ > max_bytes || order_.size() > max_plans)) {
    bytes_ -= bytes_of(*order_.back()->program);
    index_.erase(order_.back()->key);
    order_.pop_back();
  }
}

}  // namespace motet
