#include "transport/shm/slots.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace motet::shm {
namespace {

// Long enough that a busy program does not give memory back only to touch it again, some
// milliseconds of polling.
constexpr std::uint32_t idle_before_tidying = 1U << 14;

static_assert(units == 64);

constexpr std::uint64_t bit(std::uint32_t index) {
  return std::uint64_t{1} << (index % 64);
}

constexpr std::uint64_t run(std::uint32_t first, std::uint32_t length) {
  return ~std::uint64_t{0} >> (units - length) << first;
}

// By length: its multiples.
constexpr auto multiples = [] {
  std::array<std::uint64_t, units + 1> bits{};
  for (std::uint32_t length = 1; length <= units; ++length) {
    for (std::uint32_t i = 0; i < units; i += length) bits[length] |= std::uint64_t{1} << i;
  }
  return bits;
}();

}  // namespace

SlotPool::SlotPool(Segment& mine) : segment_(mine), readers_(units) {}

bool SlotPool::has_read(std::uint32_t slot, const SlotReader& reader) {
  Peer& peer = peers_[reader.peer];
  // Acquire: what the reader did with the block is over before it is overwritten.
  if (peer.consumed <= reader.line) {
    peer.consumed = peer.words->consumed.load(std::memory_order_acquire);
  }
  const auto& held = segment_.readers(slot).words[reader.peer / 64];
  return peer.consumed > reader.line &&
         (held.load(std::memory_order_acquire) & bit(reader.peer)) == 0;
}

bool SlotPool::is_free(std::uint32_t slot) {
  return std::ranges::all_of(readers_[slot],
                             [&](const SlotReader& r) { return has_read(slot, r); }) &&
         !is_kept(slot);
}

// Whether it holds for a soft slot that may be in use.
template <class Predicate>
bool SlotPool::any_soft(Predicate&& predicate) const {
  for (std::uint64_t left = used_; left != 0; left &= left - 1) {
    if (predicate(static_cast<std::uint32_t>(std::countr_zero(left)))) return true;
  }
  return false;
}

void SlotPool::free_soft(std::uint32_t slot) {
  free_ |= run(slot, length_[slot]);
  used_ &= ~bit(slot);
  end_loan(slot);
}

void SlotPool::end_loan(std::uint32_t slot) {
  if (!is_lent(slot)) return;
  lent_ &= ~bit(slot);
  lent_units_ -= length_[slot];
}

bool SlotPool::is_lent(std::uint32_t slot) const {
  return slot < units && (lent_ & bit(slot)) != 0;
}

void SlotPool::collect_soft() {
  any_soft([this](std::uint32_t slot) {
    if (is_free(slot)) free_soft(slot);
    return false;
  });
}

// The first of so many free units, one behind the other.
std::optional<std::uint32_t> SlotPool::find_run(std::uint32_t length, std::uint32_t from) const {
  std::uint64_t begins = free_;  // bit i: i and the units after it are free, as many as were tested
  for (std::uint32_t left = length; left > 1;) {
    const std::uint32_t half = left / 2;
    begins &= begins >> half;
    left -= half;
  }
  if (begins == 0) return std::nullopt;
  // Where blocks of this length, one behind the other, all fit; else anywhere.
  if ((begins & multiples[length]) != 0) begins &= multiples[length];
  const std::uint64_t ahead = begins & (~std::uint64_t{0} << from);
  return static_cast<std::uint32_t>(std::countr_zero(ahead != 0 ? ahead : begins));
}

std::optional<std::uint32_t> SlotPool::take(std::uint32_t bytes) {
  const std::uint32_t length = segment_.layout().units_for(bytes);
  const auto slot = take_run(length, next_);
  if (slot) next_ = (*slot + length) % units;
  return slot;
}

std::optional<std::uint32_t> SlotPool::take_run(std::uint32_t length, std::uint32_t from) {
  auto slot = find_run(length, from);
  if (!slot) {
    collect_soft();
    slot = find_run(length, from);
    if (!slot) return std::nullopt;
  }
  free_ &= ~run(*slot, length);
  used_ |= bit(*slot);
  length_[*slot] = static_cast<std::uint8_t>(length);
  readers_[*slot].clear();
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
  std::uint32_t slot = units + touched_;
  if (!overflow_free_.empty()) {
    slot = overflow_free_.back();
    overflow_free_.pop_back();
  } else if (slot == segment_.layout().total_slots()) {
    return std::nullopt;
  } else {
    ++touched_;
    if (slot >= readers_.size()) readers_.emplace_back();
  }
  readers_[slot].clear();
  overflow_used_.push_back(slot);
  return slot;
}

void SlotPool::give(std::uint32_t slot, const SlotReader& reader) {
  readers_[slot].push_back(reader);
  ++given_;
}

void SlotPool::watch(std::uint32_t peer, const PeerWords& words) {
  if (peers_.size() <= peer) peers_.resize(peer + 1);
  peers_[peer] = {.words = &words, .kept = words.kept.load(std::memory_order_relaxed)};
}

// --- Lending.

std::optional<std::uint32_t> SlotPool::lend(const SlotReader& reader, std::uint32_t bytes) {
  // The other half always comes back when it has been read.
  const std::uint32_t length = segment_.layout().units_for(bytes);
  if (2 * (lent_units_ + length) > units) return std::nullopt;
  // In turns, as far as the near cache goes: at once again would cost each line an invalidation.
  const auto slot = take_run(length, next_lent_);
  if (!slot) return std::nullopt;
  next_lent_ = (*slot + length) % (units / 2);
  give(*slot, reader);
  lent_ |= bit(*slot);
  lent_units_ += length_[*slot];
  return slot;
}

// It was kept, which changed the peer's bit, and the peer will not touch that bit again.
bool SlotPool::take_back(std::uint32_t slot, std::uint32_t peer) {
  if (!is_lent_to(slot, peer, 0)) return false;
  peers_[peer].kept ^= bit(slot);
  free_soft(slot);
  return true;
}

void SlotPool::lend_again(std::uint32_t slot, const SlotReader& reader) {
  MOTET_ASSERT(is_lent_to(slot, reader.peer, 0), "only what has been lent comes back");
  peers_[reader.peer].kept ^= bit(slot);
  readers_[slot].clear();
  give(slot, reader);
}

// Has been read and not been given back.
bool SlotPool::is_kept(std::uint32_t slot) {
  if (!is_lent(slot)) return false;
  const Peer& peer = peers_[readers_[slot].front().peer];
  return ((peer.words->kept.load(std::memory_order_acquire) ^ peer.kept) & bit(slot)) != 0;
}

bool SlotPool::holds(std::uint32_t peer, std::uint32_t stream) {
  const auto waits = [&](std::uint32_t slot) {
    return std::ranges::any_of(readers_[slot], [&](const SlotReader& reader) {
      return reader.peer == peer && reader.stream == stream && !has_read(slot, reader);
    });
  };
  return any_soft(waits) || std::ranges::any_of(overflow_used_, waits);
}

std::uint64_t SlotPool::to_be_done(std::uint32_t slot) {
  const auto unread = std::ranges::count_if(
      readers_[slot], [&](const SlotReader& reader) { return !has_read(slot, reader); });
  return 2 * static_cast<std::uint64_t>(unread) +
         static_cast<std::uint64_t>(unread == 0 && is_kept(slot));
}

std::uint64_t SlotPool::released() {
  std::uint64_t left = 0;
  any_soft([&](std::uint32_t slot) {
    left += to_be_done(slot);
    return false;
  });
  for (const std::uint32_t slot : overflow_used_) left += to_be_done(slot);
  return 2 * given_ - left;
}

void SlotPool::forget(std::uint32_t peer, Forget what) {
  for (std::uint32_t slot = 0; slot < readers_.size(); ++slot) {
    if (is_lent(slot) && what == Forget::what_it_reads) continue;
    const auto is_peer = [&](const SlotReader& reader) { return reader.peer == peer; };
    if (std::erase_if(readers_[slot], is_peer) > 0) end_loan(slot);
    segment_.readers(slot).words[peer / 64].fetch_and(~bit(peer), std::memory_order_acq_rel);
  }
}

void SlotPool::tidy() {
  if (touched_ == 0 || ++idle_ < idle_before_tidying) return;
  idle_ = 0;
  collect_overflow();
  if (!overflow_used_.empty()) return;
  segment_.drop_blocks(units, units + touched_);
  overflow_free_.clear();
  touched_ = 0;
}

}  // namespace motet::shm
