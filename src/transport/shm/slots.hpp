// An engine's slots: blocks too long for rings, each copied once, however many read it, and read in
// place.
//
// The soft slots serve everybody. Beyond them, a stream without a block under way is never told to
// wait: it gets one of the overflow slots, which are address space until they are touched.
#pragma once

#include <optional>
#include <vector>

#include "transport/shm/segment.hpp"

namespace motet::shm {

class SlotPool {
 public:
  explicit SlotPool(Segment& mine);

  // Which slot to fill for a reader, or nothing now. The slot must then be given to one reader or
  // more, before anybody can know of it.
  std::optional<std::uint32_t> take();
  std::optional<std::uint32_t> take_overflow();
  void give(std::uint32_t slot, std::uint32_t peer, std::uint32_t stream);
  std::byte* block(std::uint32_t slot) { return segment_.block(slot); }

  // Whether a slot with a block of this stream to this peer has not been read.
  bool holds(std::uint32_t peer, std::uint32_t stream);
  // How often a reader has released a slot since the beginning. Two numbers differ: there may be
  // more room.
  std::uint64_t released();
  // The peer will read nothing any more.
  void forget(std::uint32_t peer);

  // Called now and then: gives back the memory of overflow slots that have not been needed for a
  // while.
  void tidy();
  std::uint32_t overflow_slots_touched() const { return touched_; }

 private:
  struct Reader {
    std::uint32_t peer, stream;
  };
  bool has_soft();
  bool is_free(std::uint32_t slot);
  std::uint64_t waiting_readers(std::uint32_t slot);
  bool waits_for(std::uint32_t slot, std::uint32_t peer, std::uint32_t stream);
  void collect_soft();
  void collect_overflow();

  Segment& segment_;
  std::uint32_t soft_, total_;
  std::uint64_t free_;         // a bit for each soft slot known to be free
  std::uint32_t words_ = 1;    // of a slot's readers that have ever been used
  std::uint32_t touched_ = 0;  // overflow slots used since the memory was last given back
  std::vector<std::uint32_t> overflow_free_, overflow_used_;
  std::vector<std::vector<Reader>> readers_;  // by slot; those that may not have read it
  std::uint64_t given_ = 0;                   // readers that slots were given to, ever
  std::uint32_t idle_ = 0;  // calls of tidy() since an overflow slot was last taken
};

}  // namespace motet::shm
