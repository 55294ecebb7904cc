// What happens next: events in the order of their times and keys.
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

// What is put in comes out smallest first, by before(). Of so many children: flatter than a binary
// heap, fewer cache lines.
template <class Item>
class Heap {
 public:
  bool empty() const { return items_.empty(); }
  const Item& first() const { return items_.front(); }

  void push(const Item& item) {
    std::size_t at = items_.size();
    items_.push_back(item);
    while (at > 0) {
      const std::size_t parent = (at - 1) / children;
      if (!item.before(items_[parent])) break;
      items_[at] = items_[parent];
      at = parent;
    }
    items_[at] = item;
  }

  Item pop() {
    const Item first = items_.front();
    const Item last = items_.back();
    items_.pop_back();
    if (!items_.empty()) sink(last);
    return first;
  }

 private:
  static constexpr std::size_t children = 4;

  void sink(const Item& item) {
    const std::size_t size = items_.size();
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = children * at + 1) {
      const std::size_t end = std::min(child + children, size);
      std::size_t least = child;
      for (std::size_t other = child + 1; other < end; ++other) {
        // Which one is earlier nobody can foresee: compilers must not make a jump of it.
        const std::size_t mask = 0 - std::size_t{items_[other].before(items_[least])};
        least ^= (least ^ other) & mask;
      }
      if (!items_[least].before(item)) break;
      items_[at] = items_[least];
      at = least;
    }
    items_[at] = item;
  }

  std::vector<Item> items_;
};

// Where ranks do alike, many events have one time. So those of one time lie in a bucket, sorted
// when their time has come; a heap orders the times, and another what is put in for the time that
// it is.
class EventQueue {
 public:
  EventQueue() : places_(first_places, none) {}

  bool empty() const { return is_time_over() && times_.empty(); }
  // Of the next event; there must be one.
  double next_time() const { return is_time_over() ? times_.first().time : time_; }

  void push(const Event& event) {
    if (event.time == time_) return late_.push(event);
    bucket_at(event.time).push_back(event);
  }

  // The one that comes so many after the next if nothing comes between; null if that is not known.
  const Event* upcoming(std::size_t after) const {
    return next_ + after < now_.size() ? &now_[next_ + after] : nullptr;
  }

  // Not to be called when it is empty.
  Event pop() {
    if (is_time_over()) open_next_bucket();
    const bool is_late =
        !late_.empty() && (next_ == now_.size() || late_.first().before(now_[next_]));
    return is_late ? late_.pop() : now_[next_++];
  }

 private:
  using Bucket = std::vector<Event>;
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t first_places = 64;  // a power of two

  struct Time {
    double time;  // seconds
    std::uint32_t bucket;
    bool before(const Time& other) const { return time < other.time; }
  };

  bool is_time_over() const { return next_ == now_.size() && late_.empty(); }

  std::size_t home(double time) const {
    // Fibonacci hashing: the low bits of times that were added up differ little.
    return (std::bit_cast<std::uint64_t>(time) * 0x9e3779b97f4a7c15) >> shift_;
  }

  Bucket& bucket_at(double time) {
    std::size_t place = home(time);
    for (; places_[place] != none; place = (place + 1) & (places_.size() - 1)) {
      Bucket& bucket = buckets_[places_[place]];
      if (bucket.front().time == time) return bucket;
    }
    if (2 * (open_ + 1) > places_.size()) {
      grow();
      return bucket_at(time);
    }
    ++open_;
    if (unused_.empty()) {
      unused_.push_back(static_cast<std::uint32_t>(buckets_.size()));
      buckets_.emplace_back();
    }
    places_[place] = unused_.back();
    unused_.pop_back();
    times_.push({time, places_[place]});
    return buckets_[places_[place]];
  }

  void open_next_bucket() {
    const Time next = times_.pop();
    forget(next);
    time_ = next.time;
    next_ = 0;
    now_.clear();
    std::swap(now_, buckets_[next.bucket]);
    unused_.push_back(next.bucket);
    const auto before = [](const Event& one, const Event& other) { return one.before(other); };
    // Events that come in the order of ranks cause others in that order.
    if (!std::ranges::is_sorted(now_, before)) std::ranges::sort(now_, before);
  }

  // Moves later entries of the same run back, so that bucket_at() never meets a hole.
  void forget(const Time& time) {
    --open_;
    const std::size_t mask = places_.size() - 1;
    std::size_t at = home(time.time);
    while (places_[at] != time.bucket) at = (at + 1) & mask;
    for (std::size_t next = (at + 1) & mask; places_[next] != none; next = (next + 1) & mask) {
      const std::size_t wanted = home(buckets_[places_[next]].front().time);
      if (((next - wanted) & mask) < ((next - at) & mask)) continue;
      places_[at] = places_[next];
      at = next;
    }
    places_[at] = none;
  }

  void grow() {
    std::vector<std::uint32_t> old(2 * places_.size(), none);
    std::swap(old, places_);
    --shift_;
    for (const std::uint32_t bucket : old) {
      if (bucket == none) continue;
      std::size_t place = home(buckets_[bucket].front().time);
      while (places_[place] != none) place = (place + 1) & (places_.size() - 1);
      places_[place] = bucket;
    }
  }

  double time_ = -1;  // that it is: none yet
  Bucket now_;        // sorted; from next_ on
  std::size_t next_ = 0;
  Heap<Event> late_;
  Heap<Time> times_;  // one for each bucket in use
  std::vector<Bucket> buckets_;
  std::vector<std::uint32_t> unused_;  // buckets
  std::vector<std::uint32_t> places_;  // a hash table of the buckets in use, by time
  std::size_t open_ = 0;               // buckets in use
  int shift_ = 64 - 6;                 // what hashes are cut by: 2^6 places
};

}  // namespace motet
