#include "communicator/plan_cache.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "communicator/counts.hpp"

namespace motet {
namespace {

// Of programs and the scratch memory of one operation each: plenty for a training step's sizes,
// little beside its tensors.
constexpr std::size_t max_bytes = std::size_t{256} << 20;
constexpr std::size_t max_plans = 1024;

}  // namespace

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
  order_.splice(order_.begin(), order_, found->second);
  return order_.front().get();
}

CachedPlan& PlanCache::add(std::unique_ptr<CachedPlan> plan) {
  bytes_ += plan->bytes();
  order_.push_front(std::move(plan));
  CachedPlan& added = *order_.front();
  index_[added.key()] = order_.begin();
  shrink();
  return added;
}

void PlanCache::clear() {
  recent_ = {};
  index_.clear();
  order_.clear();
  bytes_ = 0;
}

void PlanCache::shrink() {
  for (auto place = std::prev(order_.end());
       place != order_.begin() && (bytes_ > max_bytes || order_.size() > max_plans);) {
    const auto victim = place--;
    const bool is_recent = std::ranges::find(recent_, victim->get()) != recent_.end();
    if (is_recent || (*victim)->in_use()) continue;
    bytes_ -= (*victim)->bytes();
    index_.erase((*victim)->key());
    order_.erase(victim);
  }
}

}  // namespace motet
