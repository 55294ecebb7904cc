#include "transport/shm/slots.hpp"

#include <algorithm>
#include <bit>

namespace motet::shm {
namespace {

// Long enough that a busy program does not give memory back only to touch it again, some
// milliseconds of polling.
constexpr std::uint32_t idle_before_tidying = 1U << 14;

constexpr std::uint64_t bit(std::uint32_t index) {
  return std::uint64_t{1} << (index % 64);
}

}  // namespace

SlotPool::SlotPool(Segment& mine)
    : segment_(mine),
      soft_(mine.layout().sizes().slots),
      total_(static_cast<std::uint32_t>(mine.layout().total_slots())),
      free_(~std::uint64_t{0} >> (64 - soft_)),
      readers_(soft_) {}

bool SlotPool::is_free(std::uint32_t slot) {
  SlotReaders& readers = segment_.readers(slot);
  for (std::uint32_t word = 0; word < words_; ++word) {
    // Acquire: what the readers did with the block is over before it is overwritten.
    if (readers.words[word].load(std::memory_order_acquire) != 0) return false;
  }
  return true;
}

void SlotPool::collect_soft() {
  for (std::uint32_t slot = 0; slot < soft_; ++slot) {
    if ((free_ & bit(slot)) != 0 || !is_free(slot)) continue;
    free_ |= bit(slot);
    lent_ &= ~bit(slot);
  }
}

bool SlotPool::has_soft() {
  if (free_ == 0) collect_soft();
  return free_ != 0;
}

std::optional<std::uint32_t> SlotPool::take() {
  if (!has_soft()) return std::nullopt;
  const auto slot = static_cast<std::uint32_t>(std::countr_zero(free_));
  free_ &= free_ - 1;
  readers_[slot].clear();
  return slot;
}

void SlotPool::collect_overflow() {
  const auto still_used = std::partition(overflow_used_.begin(), overflow_used_.end(),
                                         [this](std::uint32_t slot) { return !is_free(slot); });
  overflow_free_.insert(overflow_free_.end(), still_used, overflow_used_.end());
  overflow_used_.erase(still_used, overflow_used_.end());
}

std::optional<std::uint32_t> SlotPool::take_overflow() {
  idle_ = 0;
  if (overflow_free_.empty()) collect_overflow();
  std::uint32_t slot = soft_ + touched_;
  if (!overflow_free_.empty()) {
    slot = overflow_free_.back();
    overflow_free_.pop_back();
  } else if (slot == total_) {
    return std::nullopt;
  } else {
    ++touched_;
    if (slot >= readers_.size()) readers_.emplace_back();
  }
  readers_[slot].clear();
  overflow_used_.push_back(slot);
  return slot;
}

void SlotPool::give(std::uint32_t slot, std::uint32_t peer, std::uint32_t stream) {
  words_ = std::max(words_, peer / 64 + 1);
  // No reader knows of the slot yet, so nobody else writes the word; the line's turn will publish
  // it.
  std::atomic<std::uint64_t>& word = segment_.readers(slot).words[peer / 64];
  word.store(word.load(std::memory_order_relaxed) | bit(peer), std::memory_order_relaxed);
  readers_[slot].push_back({peer, stream});
  ++given_;
}

// --- Lending.

void SlotPool::watch(std::uint32_t peer, const std::atomic<std::uint64_t>& kept) {
  if (borrowers_.size() <= peer) borrowers_.resize(peer + 1);
  borrowers_[peer] = {&kept, kept.load(std::memory_order_relaxed)};
}

std::optional<std::uint32_t> SlotPool::lend(std::uint32_t peer, std::uint32_t stream) {
  // The other half always comes back when it has been read.
  if (2 * (std::popcount(lent_) + 1) > static_cast<int>(soft_)) return std::nullopt;
  const auto slot = take();
  if (!slot) return std::nullopt;
  give(*slot, peer, stream);
  lent_ |= bit(*slot);
  return slot;
}

// It was kept, which changed the peer's bit, and the peer will not touch that bit again.
bool SlotPool::take_back(std::uint32_t slot, std::uint32_t peer) {
  if (slot >= soft_ || (lent_ & bit(slot)) == 0 || readers_[slot].front().peer != peer)
    return false;
  borrowers_[peer].known ^= bit(slot);
  segment_.readers(slot).words[peer / 64].store(0, std::memory_order_relaxed);
  lent_ &= ~bit(slot);
  free_ |= bit(slot);
  return true;
}

// Has been read and not been given back.
bool SlotPool::is_kept(std::uint32_t slot) {
  if (slot >= soft_ || (lent_ & bit(slot)) == 0) return false;
  const Borrower& borrower = borrowers_[readers_[slot].front().peer];
  return ((borrower.kept->load(std::memory_order_acquire) ^ borrower.known) & bit(slot)) != 0;
}

bool SlotPool::waits_for(std::uint32_t slot, std::uint32_t peer, std::uint32_t stream) {
  const auto& word = segment_.readers(slot).words[peer / 64];
  if ((word.load(std::memory_order_relaxed) & bit(peer)) == 0 || is_kept(slot)) return false;
  return std::any_of(readers_[slot].begin(), readers_[slot].end(), [&](const Reader& reader) {
    return reader.peer == peer && reader.stream == stream;
  });
}

bool SlotPool::holds(std::uint32_t peer, std::uint32_t stream) {
  for (std::uint32_t slot = 0; slot < soft_; ++slot) {
    if (waits_for(slot, peer, stream)) return true;
  }
  return std::any_of(overflow_used_.begin(), overflow_used_.end(),
                     [&](std::uint32_t slot) { return waits_for(slot, peer, stream); });
}

std::uint64_t SlotPool::to_be_done(std::uint32_t slot) {
  SlotReaders& readers = segment_.readers(slot);
  std::uint64_t count = 0;
  for (std::uint32_t word = 0; word < words_; ++word) {
    count += static_cast<std::uint64_t>(
        std::popcount(readers.words[word].load(std::memory_order_acquire)));
  }
  return 2 * count - static_cast<std::uint64_t>(count > 0 && is_kept(slot));
}

std::uint64_t SlotPool::released() {
  std::uint64_t left = 0;
  for (std::uint32_t slot = 0; slot < soft_; ++slot) left += to_be_done(slot);
  for (const std::uint32_t slot : overflow_used_) left += to_be_done(slot);
  return 2 * given_ - left;
}

void SlotPool::forget(std::uint32_t peer, Forget what) {
  for (std::uint32_t slot = 0; slot < readers_.size(); ++slot) {
    const bool lent = slot < soft_ && (lent_ & bit(slot)) != 0;
    if (lent && what == Forget::what_it_reads) continue;
    segment_.readers(slot).words[peer / 64].fetch_and(~bit(peer), std::memory_order_acq_rel);
  }
}

void SlotPool::tidy() {
  if (touched_ == 0 || ++idle_ < idle_before_tidying) return;
  idle_ = 0;
  collect_overflow();
  if (!overflow_used_.empty()) return;
  segment_.drop_blocks(soft_, soft_ + touched_);
  overflow_free_.clear();
  touched_ = 0;
}

}  // namespace motet::shm
