// A peer's regions as mapped by this engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "transport/shm/peer_socket.hpp"
#include "transport/transport.hpp"

namespace motet::shm {

class ReachedRegions {
 public:
  ReachedRegions() = default;
  ~ReachedRegions();
  ReachedRegions(const ReachedRegions&) = delete;
  ReachedRegions& operator=(const ReachedRegions&) = delete;

  // Maps what the peer has announced. What cannot be mapped is as if it had not come.
  void add(const Received& received);
  void forget(std::uint64_t id);
  // Null: not (wholly) in a region that is mapped.
  std::byte* at(const Location& location, std::size_t bytes);

 private:
  struct Mapped {
    std::uint64_t id;
    std::byte* base;  // of the pages
    std::size_t length;
    std::size_t before;  // bytes of the first page that are not the region's
    std::size_t bytes;   // of the region
  };

  std::vector<Mapped> mapped_;  // few, and the last found is looked at first
  std::size_t last_ = 0;
};

}  // namespace motet::shm
