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

// Goes round the lines of a ring.
template <class OneLine>
class Cursor {
 public:
  Cursor() = default;  // of no ring
  Cursor(OneLine* lines, std::uint32_t count) : line_(lines), first_(lines), end_(lines + count) {}

  OneLine& operator*() const { return *line_; }
  OneLine* operator->() const { return line_; }
  // Of a line written in this lap. The first is 1: a fresh ring is all zeros.
  std::uint32_t turn() const { return turn_; }
  void advance() noexcept {
    if (++line_ != end_) [[likely]]
      return;
    line_ = first_;
    turn_ = (turn_ + 1) & (Control::turns - 1);
  }

 private:
  OneLine* line_ = nullptr;
  std::uint32_t turn_ = 1;
  OneLine* first_ = nullptr;
  OneLine* end_ = nullptr;
};

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
  // `place`: in_slot or in_lent.
  void put_slot(const Header& header, Place place, SlotReference where) noexcept;

  // The number of the line that will be written next.
  std::uint64_t next() const { return next_; }
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
  // The next line, whose payload has been written.
  void publish(const Header& header, Place place) noexcept;

  Cursor<Line> cursor_;      // the line to write
  std::uint64_t next_ = 0;   // its number
  std::uint64_t limit_ = 0;  // may not be reached: all credit seen
  std::uint32_t mask_ = 0;
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
  RingReader(Segment& theirs, std::uint32_t index, Segment& mine,
             std::atomic<std::uint64_t>& credit, bool& trouble);

  const Arrival* front() noexcept {
    if (taken_) return &arrival_;
    const Control control(cursor_->control.load(std::memory_order_acquire));
    return has_come(control) ? take_in(control) : nullptr;
  }
  // The next line, whether or not its control says that it has been written; and what its control
  // says if that is a block which lies in it. Who finds it so may read the line instead of front().
  const Line& line() const { return *cursor_; }
  Control control_of_line(std::uint32_t bytes) const {
    return {cursor_.turn(), Place::in_line, bytes};
  }
  // Whether what the line's control says is of this lap.
  bool has_come(Control control) const { return control.turn() == cursor_.turn(); }
  // Of the front, which there must be.
  Place place() const { return place_; }
  SlotReference slot() const { return slot_; }
  // Its sender has done what it must not: nothing more is read.
  void note_malformed() noexcept;
  void pop() noexcept;

  bool malformed() const { return malformed_; }

 private:
  const Arrival* take_in(Control control) noexcept;
  // Where payload that is not in the line is; null: nowhere in the peer's segment.
  const std::byte* find_payload(Control control) noexcept;
  std::byte* block_of(Segment& owner, std::uint32_t bytes) noexcept;

  Cursor<const Line> cursor_{&no_line(), 1};
  bool taken_ = false;
  bool malformed_ = false;
  Place place_ = Place::in_line;
  SlotReference slot_{};
  Arrival arrival_;

  std::uint64_t next_ = 0;
  std::atomic<std::uint64_t>* credit_ = nullptr;
  Segment* theirs_ = nullptr;
  Segment* mine_ = nullptr;
  const std::byte* payload_ = nullptr;
  bool* trouble_ = nullptr;

  static const Line& no_line();
};

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
  Line& line = *cursor_;
  line.key = header.key;
  line.fingerprint = header.fingerprint;
  line.consumed = header.consumed;
  line.stream = header.stream;
  payload_end_[next_ & mask_] = payload_next_;
  const Control control(cursor_.turn(), place, header.bytes);
  line.control.store(control.word(), std::memory_order_release);
  cursor_.advance();
  ++next_;
}

inline void RingWriter::put_in_line(const Header& header, const void* data) noexcept {
  copy_short(cursor_->payload.data(), static_cast<const std::byte*>(data), header.bytes);
  publish(header, Place::in_line);
}

inline const Arrival* RingReader::take_in(Control control) noexcept {
  // Each field is read once: what the peer writes later cannot get past the checks.
  arrival_.header = {.key = cursor_->key,
                     .fingerprint = cursor_->fingerprint,
                     .consumed = cursor_->consumed,
                     .bytes = control.bytes(),
                     .stream = cursor_->stream};
  place_ = control.place();
  const bool in_line = place_ == Place::in_line && control.bytes() <= inline_bytes;
  arrival_.data = in_line ? cursor_->payload.data() : find_payload(control);
  if (arrival_.data == nullptr) [[unlikely]] {
    note_malformed();
    return nullptr;
  }
  taken_ = true;
  return &arrival_;
}

inline void RingReader::pop() noexcept {
  taken_ = false;
  cursor_.advance();
  credit_->store(++next_, std::memory_order_release);
}

}  // namespace motet::shm
