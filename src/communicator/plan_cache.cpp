#include "communicator/plan_cache.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "communicator/counts.hpp"

namespace motet {

PlanKey::PlanKey(const Arguments& arguments, bool is_in_place, Rank me, int world_size)
    : algorithm(arguments.algorithm),
      count(arguments.count),
      counts(counts_of(arguments, me, world_size)),
      received_counts(received_counts_of(arguments, world_size)),
      root(arguments.root),
      collective(arguments.collective),
      type(arguments.type),
      op(arguments.op),
      determinism(arguments.determinism),
      form(arguments.form),
      in_place(is_in_place) {
  if (op != ReduceOp::user) return;
  commutative = commutes(arguments);
  element_bytes = motet::element_bytes(arguments);
}

bool PlanKey::operator==(const PlanKey& other) const {
  const auto words = [](const PlanKey& key) {
    return std::tie(key.algorithm, key.count, key.root, key.collective, key.type, key.op,
                    key.determinism, key.form, key.in_place, key.commutative, key.element_bytes);
  };
  return words(*this) == words(other) && std::ranges::equal(counts, other.counts) &&
         std::ranges::equal(received_counts, other.received_counts);
}

CachedPlan::CachedPlan(const PlanKey& key, const Arguments& arguments, const Extent& extent,
                       const CallRecord& record, Program program)
    : key_(key),
      extent_(extent),
      kind_(arguments.kind()),
      record_(record),
      logged_(record_),
      is_short_(!program.short_steps.empty() && !is_point_to_point(arguments.collective) &&
                arguments.op < ReduceOp::premul_sum),
      needs_buffers_(extent.input > 0 || extent.output > 0),
      trial_(ways_of(program)),
      program_(std::make_shared<const Program>(std::move(program))) {
  keep_counts();
}

// In place of the caller's.
void CachedPlan::keep_counts() {
  counts_.assign(key_.counts.begin(), key_.counts.end());
  counts_.insert(counts_.end(), key_.received_counts.begin(), key_.received_counts.end());
  const PlanKey::Counts kept(counts_);
  key_.counts = kept.first(key_.counts.size());
  key_.received_counts = kept.last(key_.received_counts.size());
}

CallRecord CachedPlan::record(std::uint64_t sequence) const {
  CallRecord record = record_;
  record.sequence = sequence;
  return record;
}

std::size_t CachedPlan::bytes() const {
  return program_->instructions.size() * sizeof(Instruction) +
         program_->dependencies.size() * sizeof(Dependency) + program_->scratch_bytes +
         program_->streams.size() * program_->product_bytes + counts_.size() * sizeof(std::size_t);
}

std::size_t PlanCache::Hash::operator()(const PlanKey& key) const noexcept {
  std::size_t hash = key.count;
  const auto mix = [&hash](std::size_t word) { hash = (hash ^ word) * 0x9e3779b97f4a7c15U; };
  mix(reinterpret_cast<std::size_t>(key.algorithm));
  mix(static_cast<std::size_t>(key.root));
  mix(key.element_bytes);
  mix(static_cast<std::size_t>(key.collective) | static_cast<std::size_t>(key.type) << 8 |
      static_cast<std::size_t>(key.op) << 16 | static_cast<std::size_t>(key.determinism) << 24 |
      static_cast<std::size_t>(key.in_place) << 32 | static_cast<std::size_t>(key.form) << 40);
  for (const std::size_t each : key.counts) mix(each);
  for (const std::size_t each : key.received_counts) mix(each);
  return hash;
}

CachedPlan* PlanCache::find(const PlanKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  Order& order = shelf_of(key.form).order;
  order.splice(order.begin(), order, found->second);
  return order.front().get();
}

CachedPlan& PlanCache::add(std::unique_ptr<CachedPlan> plan) {
  Shelf& shelf = shelf_of(plan->key().form);
  shelf.bytes += plan->bytes();
  shelf.order.push_front(std::move(plan));
  CachedPlan& added = *shelf.order.front();
  index_[added.key()] = shelf.order.begin();
  shrink(shelf);
  return added;
}

void PlanCache::clear() {
  latest_ = nullptr;
  recent_ = {};
  index_.clear();
  for (Shelf* shelf : {&even_, &uneven_}) {
    shelf->order.clear();
    shelf->bytes = 0;
  }
}

bool PlanCache::is_at_hand(const CachedPlan& plan) const {
  return &plan == latest_ || std::ranges::find(recent_, &plan) != recent_.end();
}

void PlanCache::shrink(Shelf& shelf) {
  for (auto place = std::prev(shelf.order.end());
       place != shelf.order.begin() && shelf.is_overfull();) {
    const auto victim = place--;
    if (is_at_hand(**victim) || (*victim)->in_use()) continue;
    shelf.bytes -= (*victim)->bytes();
    index_.erase((*victim)->key());
    shelf.order.erase(victim);
  }
}

}  // namespace motet
