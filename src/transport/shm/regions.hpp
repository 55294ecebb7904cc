// This engine's memory that processes beside it may map: allocated here, or shared by the user
// through a descriptor of his own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/descriptor.hpp"

namespace motet::shm {

struct Region {
  std::byte* address = nullptr;
  std::size_t bytes = 0;
  Descriptor memory;
  std::uint64_t offset = 0;  // of `address` in the descriptor
  std::uint64_t id = 0;      // never used again
  bool allocated = false;    // here

  bool contains(const std::byte* data, std::size_t length) const {
    return data >= address && length <= bytes &&
           static_cast<std::size_t>(data - address) <= bytes - length;
  }
};

class Regions {
 public:
  Regions() = default;
  ~Regions();
  Regions(const Regions&) = delete;
  Regions& operator=(const Regions&) = delete;

  // Throws Error{system}.
  void* allocate(std::size_t bytes);
  // Throws Error{invalid_argument} unless [address, address + bytes) maps `descriptor` from
  // `offset`, shared.
  void add(void* address, std::size_t bytes, int descriptor, std::uint64_t offset);
  // Returns the id of what was allocated or added there. Throws Error{invalid_argument}.
  std::uint64_t free(void* address);
  std::uint64_t remove(void* address);

  // The region that holds all these bytes, or null. Good until the next change.
  const Region* find(const void* data, std::size_t bytes) {
    if (regions_.empty()) return nullptr;
    const auto* const first = static_cast<const std::byte*>(data);
    if (last_ < regions_.size() && regions_[last_].contains(first, bytes)) return &regions_[last_];
    return search(first, bytes);
  }

  // Gives all regions fresh pages with the same contents at the same addresses, so that what others
  // still write to the old ones is lost on them. Returns the ids that ended. Throws Error{system}.
  std::vector<std::uint64_t> cut_off();

 private:
  const Region* search(const std::byte* data, std::size_t bytes);
  void insert(Region region);
  Region take(void* address, bool allocated);

  std::vector<Region> regions_;  // by address; they do not overlap
  std::size_t last_ = 0;         // found last
  std::uint64_t next_id_ = 1;    // 0 means: a pointer
};

}  // namespace motet::shm
