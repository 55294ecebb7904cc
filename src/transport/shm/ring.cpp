#include "transport/shm/ring.hpp"

#include <algorithm>

namespace motet::shm {
namespace {

// Beyond this a slot is better: the reader works on it in place while the sender goes on. It is
// also worth no more than a quarter of the ring, so that several fit.
constexpr std::uint32_t most_ring_payload = 8 * 1024;

constexpr std::uint32_t whole_lines(std::uint32_t bytes) {
  return (bytes + cache_line - 1) / cache_line * cache_line;
}

}  // namespace

RingWriter::RingWriter(Segment& mine, std::uint32_t index, const std::atomic<std::uint64_t>& credit)
    : cursor_(mine.lines(index), mine.layout().sizes().ring_lines),
      limit_(mine.layout().sizes().ring_lines),
      mask_(mine.layout().sizes().ring_lines - 1),
      credit_(&credit),
      payload_(mine.payload(index)),
      payload_bytes_(mine.layout().sizes().ring_bytes),
      longest_payload_(std::min(most_ring_payload, std::max(payload_bytes_ / 4, inline_bytes))),
      payload_end_(mine.layout().sizes().ring_lines) {}

bool RingWriter::look_for_credit() noexcept {
  if (credit_ == nullptr) return false;
  const std::uint64_t consumed = credit_->load(std::memory_order_acquire);
  const std::uint64_t limit = consumed + mask_ + 1;
  // A count that cannot be is the peer's fault, and must not become ours.
  if (consumed > next_ || limit <= limit_) return next_ != limit_;
  payload_freed_ = payload_end_[(consumed - 1) & mask_];
  limit_ = limit;
  return true;
}

std::optional<std::uint32_t> RingWriter::find_room(std::uint32_t bytes) noexcept {
  const auto offset = static_cast<std::uint32_t>(payload_next_ % payload_bytes_);
  const std::uint32_t skipped = offset + bytes > payload_bytes_ ? payload_bytes_ - offset : 0;
  if (payload_next_ + skipped + bytes > payload_freed_ + payload_bytes_) return std::nullopt;
  payload_next_ += skipped + bytes;
  return skipped > 0 ? 0 : offset;
}

bool RingWriter::put_in_ring(const Header& header, const void* data) noexcept {
  const std::uint32_t bytes = whole_lines(header.bytes);
  std::optional<std::uint32_t> offset = find_room(bytes);
  if (!offset) {
    look_for_credit();
    offset = find_room(bytes);
    if (!offset) return false;
  }
  std::memcpy(payload_ + *offset, data, header.bytes);
  std::memcpy(cursor_->payload.data(), &*offset, sizeof *offset);
  publish(header, Place::in_ring);
  return true;
}

void RingWriter::put_slot(const Header& header, Place place, SlotReference where) noexcept {
  std::memcpy(cursor_->payload.data(), &where, sizeof where);
  publish(header, place);
}

const Line& RingReader::no_line() {
  static const Line line{};
  return line;
}

RingReader::RingReader(Segment& theirs, std::uint32_t index, Segment& mine,
                       std::atomic<std::uint64_t>& credit, bool& trouble)
    : cursor_(theirs.lines(index), theirs.layout().sizes().ring_lines),
      credit_(&credit),
      theirs_(&theirs),
      mine_(&mine),
      payload_(theirs.payload(index)),
      trouble_(&trouble) {}

void RingReader::note_malformed() noexcept {
  cursor_ = {&no_line(), 1};
  malformed_ = true;
  *trouble_ = true;
}

const std::byte* RingReader::find_payload(Control control) noexcept {
  const Sizes& sizes = theirs_->layout().sizes();
  std::uint32_t where = 0;
  std::memcpy(&where, cursor_->payload.data(), sizeof where);
  switch (control.place()) {
    case Place::in_line:
      break;
    case Place::in_ring:
      if (control.bytes() > sizes.ring_bytes || where > sizes.ring_bytes - control.bytes()) break;
      return payload_ + where;
    case Place::in_slot:
      return block_of(*theirs_, control.bytes());
    case Place::in_lent:
      return block_of(*mine_, control.bytes());
  }
  return nullptr;
}

std::byte* RingReader::block_of(Segment& owner, std::uint32_t bytes) noexcept {
  std::memcpy(&slot_, cursor_->payload.data(), sizeof slot_);
  if (slot_.lent != 0 && slot_.slot >= units) return nullptr;  // only soft ones are
  return owner.layout().contains(slot_.slot, bytes) ? owner.block(slot_.slot) : nullptr;
}

}  // namespace motet::shm
