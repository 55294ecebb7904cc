// What happens next: a heap of events, earliest first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace motet {

enum class EventKind : std::uint8_t {
  worked,    // a step's processor time is over
  met,       // both ends of a rendezvous are ready for a block
  injected,  // a message's block comes to its first link
  taken,     // a message's block has left its sender
  arrived,   // ... and is at its receiver
  hop,       // the head of a transfer comes to its next link
  flowed     // a flow has ended
};

// Events of one time come by key, and the keys do not depend on which node is called the first: so
// runs that are folded and runs that are not come to the same result. First what ranks do by
// themselves, then what two do together, then who comes to which link.
struct Event {
  double time;  // seconds
  std::uint64_t key;
  std::uint32_t subject;
  EventKind kind;

  // Half of the simulator's time goes here: one wide comparison. Times are not negative, and such
  // numbers are in the order of their bits.
  bool before(const Event& other) const { return place() < other.place(); }
  unsigned __int128 place() const {
    const unsigned __int128 high = std::bit_cast<std::uint64_t>(time);
    return high << 64U | key;
  }
};

// The key of what happens to a step of a rank.
constexpr std::uint64_t rank_key(std::uint32_t step, EventKind kind) {
  return static_cast<std::uint64_t>(step) << 3U | static_cast<std::uint64_t>(kind);
}

constexpr std::uint64_t meeting_key(std::uint32_t step) {
  return std::uint64_t{1} << 62U | step;
}
constexpr std::uint64_t link_key(std::uint64_t order) {
  return std::uint64_t{1} << 63U | order;
}

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  const Event& next() const { return heap_.front(); }

  void push(const Event& event) {
    std::size_t at = heap_.size();
    heap_.push_back(event);
    while (at > 0) {
      const std::size_t parent = (at - 1) / children;
      if (!event.before(heap_[parent])) break;
      heap_[at] = heap_[parent];
      at = parent;
    }
    heap_[at] = event;
  }

  Event pop() {
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static constexpr std::size_t children = 4;  // flatter than a binary heap: fewer cache lines

  void sink(const Event& event) {
    const std::size_t size = heap_.size();
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = children * at + 1) {
      const std::size_t end = std::min(child + children, size);
      std::size_t least = child;
      for (std::size_t other = child + 1; other < end; ++other) {
        // Which one is earlier nobody can foresee: compilers must not make a jump of it.
        const std::size_t mask = 0 - std::size_t{heap_[other].before(heap_[least])};
        least ^= (least ^ other) & mask;
      }
      if (!heap_[least].before(event)) break;
      heap_[at] = heap_[least];
      at = least;
    }
    heap_[at] = event;
  }

  std::vector<Event> heap_;
};

}  // namespace motet
