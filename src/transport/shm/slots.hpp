// An engine's slots: blocks too long for rings, each copied once, however many read it, and read in
// place.
//
// A line that one core has written and another has read lies in the cache of the other, and writing
// it again costs its way back. So a slot can be lent: its only reader may keep it and fill it with
// its next block for the owner. Where two ranks exchange blocks, the slots change hands and every
// line goes one way per block: between distant cores a block then takes a third of the time.
//
// The soft slots serve everybody, each cut to the length of its block, in turns through their
// memory (layout.hpp says why). Beyond them, a stream without a block under way is never told to
// wait: it gets one of the overflow slots, which are address space until they are touched.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "transport/shm/segment.hpp"

namespace motet::shm {

// Who gets a block, and in which line of his ring he will hear of it. He has read it when he has
// consumed that line, unless he holds it.
struct SlotReader {
  std::uint32_t peer, stream;
  std::uint64_t line;
};

class SlotPool {
 public:
  explicit SlotPool(Segment& mine);

  // Which slot to fill with so many bytes for a reader, or nothing now. The slot must then be given
  // to one reader or more, before anybody can know of it.
  std::optional<std::uint32_t> take(std::uint32_t bytes);
  std::optional<std::uint32_t> take_overflow();
  void give(std::uint32_t slot, const SlotReader& reader);
  // Where the peer says what it has consumed and which slots it keeps; before it is given any.
  void watch(std::uint32_t peer, const PeerWords& words);
  // Which slot to fill for a reader who may keep it, which has been given to it; or nothing: enough
  // are lent.
  std::optional<std::uint32_t> lend(const SlotReader& reader, std::uint32_t bytes);
  // The peer's block in a lent slot has been read. False: that slot was not lent to it.
  [[nodiscard]] bool take_back(std::uint32_t slot, std::uint32_t peer);
  // With room for so many bytes.
  bool is_lent_to(std::uint32_t slot, std::uint32_t peer, std::uint32_t bytes) const {
    return is_lent(slot) && readers_[slot].front().peer == peer &&
           segment_.layout().units_for(bytes) <= length_[slot];
  }
  // Instead of taking it back, for another block of mine. It must be lent to that peer.
  void lend_again(std::uint32_t slot, const SlotReader& reader);
  std::byte* block(std::uint32_t slot) { return segment_.block(slot); }

  // Whether a slot with a block of this stream to this peer has not been read.
  bool holds(std::uint32_t peer, std::uint32_t stream);
  // Counts what readers have read and released since the beginning. Two numbers differ: there may
  // be more room.
  std::uint64_t released();
  // The peer will read nothing any more. Unless it is forgotten for good, what is lent to it stays
  // as it is: its last blocks may be there.
  enum class Forget { what_it_reads, everything };
  void forget(std::uint32_t peer, Forget what);

  // Called now and then: gives back the memory of overflow slots that have not been needed for a
  // while.
  void tidy();
  std::uint32_t overflow_slots_touched() const { return touched_; }

 private:
  struct Peer {
    const PeerWords* words = nullptr;
    std::uint64_t consumed = 0;  // of its lines, as seen last
    std::uint64_t kept = 0;      // its bits when it kept nothing of what is lent to it now
  };
  bool has_read(std::uint32_t slot, const SlotReader& reader);
  bool is_kept(std::uint32_t slot);
  std::optional<std::uint32_t> find_run(std::uint32_t length, std::uint32_t from) const;
  std::optional<std::uint32_t> take_run(std::uint32_t length, std::uint32_t from);
  void free_soft(std::uint32_t slot);
  void end_loan(std::uint32_t slot);
  bool is_lent(std::uint32_t slot) const;
  template <class Predicate>
  bool any_soft(Predicate&& predicate) const;
  bool is_free(std::uint32_t slot);
  std::uint64_t to_be_done(std::uint32_t slot);  // by each reader: read it, and give it back
  void collect_soft();
  void collect_overflow();

  Segment& segment_;
  std::uint64_t free_ = ~std::uint64_t{0};    // a bit for each unit known to be free
  std::uint64_t used_ = 0;                    // the first units of the soft slots that may not be
  std::uint64_t lent_ = 0;                    // of them, those that are lent
  std::array<std::uint8_t, units> length_{};  // in units, of the used
  std::uint32_t lent_units_ = 0;
  std::uint32_t next_ = 0, next_lent_ = 0;  // where to look first
  std::uint32_t touched_ = 0;  // overflow slots used since the memory was last given back
  std::vector<std::uint32_t> overflow_free_, overflow_used_;
  std::vector<std::vector<SlotReader>> readers_;  // by slot; those that may not have read it
  std::uint64_t given_ = 0;                       // readers that slots were given to, ever
  std::vector<Peer> peers_;
  std::uint32_t idle_ = 0;  // calls of tidy() since an overflow slot was last taken
};

}  // namespace motet::shm
