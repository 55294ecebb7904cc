// The ring of header lines from one engine to another, and beside it the ring of payload. One
// writes, one reads, and the only thing that goes back is the number of lines consumed: it frees
// lines and their payload at once.
//
// The reader stores that number at every pop. That is cheap: the sender looks at it only when it
// has run out of room, so the line seldom leaves the reader's cache; and nobody ever waits for a
// credit that a rank forgot to give.
#pragma once

#include <cstring>
#include <vector>

#include "transport/shm/segment.hpp"

namespace motet::shm {

class RingWriter {
 public:
  RingWriter() = default;  // has no room
  // `credit`: where the reader stores what it has consumed.
  RingWriter(Segment& mine, std::uint32_t index, const std::atomic<std::uint64_t>& credit);

  // Whether a line is free; the put functions need one.
  bool has_line() noexcept { return next_ != limit_ || look_for_credit(); }

  void put_in_line(const Header& header, const void* data) noexcept;
  // False: the payload does not fit at the moment.
  bool put_in_ring(const Header& header, const void* data) noexcept;
  void put_slot(const Header& header, std::uint32_t slot) noexcept;

  // Longest payload worth trying in the ring.
  std::uint32_t longest_payload() const { return longest_payload_; }
  // Takes notice of what the reader has consumed. Whether there is a line now.
  bool look_for_credit() noexcept;
  // The reader's count as noticed last.
  std::uint64_t consumed_seen() const { return limit_ == 0 ? 0 : limit_ - mask_ - 1; }
  // The reader's count, as it is now.
  std::uint64_t consumed() const {
    return credit_ == nullptr ? 0 : credit_->load(std::memory_order_acquire);
  }

 private:
  // Where `bytes` of payload fit without a break, or nothing.
  std::optional<std::uint32_t> find_room(std::uint32_t bytes) noexcept;
  Line& next_line() { return lines_[next_ & mask_]; }
  void publish(const Header& header, Place place) noexcept;

  Line* lines_ = nullptr;
  std::uint64_t next_ = 0;   // the line to write
  std::uint64_t limit_ = 0;  // may not be reached: all credit seen
  std::uint32_t mask_ = 0;
  std::uint32_t shift_ = 0;  // next_ >> shift_: the lap
  const std::atomic<std::uint64_t>* credit_ = nullptr;

  std::byte* payload_ = nullptr;
  std::uint32_t payload_bytes_ = 0;
  std::uint32_t longest_payload_ = 0;
  std::uint64_t payload_next_ =
      0;  // bytes put since the beginning, with those skipped at the end of laps
  std::uint64_t payload_freed_ = 0;  // of them consumed
  std::vector<std::uint64_t>
      payload_end_;  // payload_next_ after each line: what its consumption frees
};

class RingReader {
 public:
  RingReader() = default;  // empty
  // `index`: of the ring in `theirs`. `trouble` is set when the peer has written nonsense.
  RingReader(Segment& theirs, std::uint32_t index, std::atomic<std::uint64_t>& credit,
             bool& trouble);

  const Arrival* front() noexcept {
    if (taken_) return &arrival_;
    const Control control(line_->control.load(std::memory_order_acquire));
    return control.turn() == turn_ ? take_in(control) : nullptr;
  }
  // Of the front, which there must be.
  Place place() const { return place_; }
  std::uint32_t slot() const { return slot_; }
  void pop() noexcept;

  bool malformed() const { return malformed_; }

 private:
  const Arrival* take_in(Control control) noexcept;
  // Where the payload is; null: nowhere in the peer's segment.
  const std::byte* find_payload(Control control) noexcept;

  const Line* line_ = &no_line();
  std::uint32_t turn_ = 1;
  bool taken_ = false;
  bool malformed_ = false;
  Place place_ = Place::in_line;
  std::uint32_t slot_ = 0;
  Arrival arrival_;

  const Line* lines_ = nullptr;
  std::uint64_t next_ = 0;
  std::uint32_t mask_ = 0;
  std::uint32_t shift_ = 0;
  std::atomic<std::uint64_t>* credit_ = nullptr;
  Segment* theirs_ = nullptr;
  const std::byte* payload_ = nullptr;
  bool* trouble_ = nullptr;

  static const Line& no_line();
};

// The turn of the n-th line ever. Lap 0 is turn 1: a fresh ring is all zeros.
constexpr std::uint32_t turn_of(std::uint64_t n, std::uint32_t shift) {
  return static_cast<std::uint32_t>((n >> shift) + 1) & (Control::turns - 1);
}

// Copies up to inline_bytes; a call of memcpy would take longer than the copy.
inline void copy_short(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  if (bytes >= 16) {
    std::memcpy(to, from, 16);
    if (bytes > 32) std::memcpy(to + 16, from + 16, 16);
    std::memcpy(to + bytes - 16, from + bytes - 16, 16);
  } else if (bytes >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else {
    for (std::size_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
}

inline void RingWriter::publish(const Header& header, Place place) noexcept {
  Line& line = next_line();
  line.key = header.key;
  line.fingerprint = header.fingerprint;
  line.consumed = header.consumed;
  line.stream = header.stream;
  payload_end_[next_ & mask_] = payload_next_;
  const Control control(turn_of(next_, shift_), place, header.bytes);
  line.control.store(control.word(), std::memory_order_release);
  ++next_;
}

inline void RingWriter::put_in_line(const Header& header, const void* data) noexcept {
  copy_short(next_line().payload.data(), static_cast<const std::byte*>(data), header.bytes);
  publish(header, Place::in_line);
}

inline void RingReader::pop() noexcept {
  taken_ = false;
  ++next_;
  line_ = &lines_[next_ & mask_];
  turn_ = turn_of(next_, shift_);
  credit_->store(next_, std::memory_order_release);
}

}  // namespace motet::shm
