// How many blocks of each stream are under way to one peer, as the sender knows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "transport/flow/frame.hpp"

namespace motet::flow {

// Remembers only streams with blocks under way, in a small hash table (stream ids are used for a
// while and never again).
class Window {
 public:
  Window();

  // Counts one more block of `stream`. False, and nothing is counted, if the stream has its fill.
  bool open(std::uint32_t stream);
  // The peer has consumed some. False if it claims more than were sent: it is confused.
  [[nodiscard]] bool close(const Credit& credit);

  std::size_t streams() const { return used_; }

 private:
  struct Entry {
    std::uint32_t stream = 0;
    std::uint32_t blocks = 0;  // 0: the entry is free
  };
  std::size_t home(std::uint32_t stream) const;
  std::size_t find(std::uint32_t stream) const;  // its entry, or the free one where it belongs
  void grow();
  void remove(std::size_t at);

  std::vector<Entry> entries_;  // a power of two, at most half used
  std::size_t used_ = 0;
};

}  // namespace motet::flow
