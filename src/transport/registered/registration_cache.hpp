// Which of the users' memory a fabric library has been told of, so that it can be read from there
// and into it: telling costs as much as copying some pages, and the same buffers come again.
//
// A cache cannot know that memory has been given back to the system and other pages lie at its
// addresses now. So what is not held any more is kept only where the library looks the addresses up
// each time; where it holds on to the pages themselves, a registration ends with its last holder,
// who guarantees that the memory is there.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace motet::registered {

// What a library has made of a range of memory. Undone by the destructor.
class Registration {
 public:
  virtual ~Registration() = default;
};

// Whole pages.
struct Range {
  std::byte* begin = nullptr;
  std::size_t bytes = 0;
  std::unique_ptr<Registration> registration;  // null once the cache has been cleared

  bool contains(const std::byte* data, std::size_t length) const {
    return data >= begin && length <= bytes &&
           static_cast<std::size_t>(data - begin) <= bytes - length;
  }
};
// Its holders and the cache own it together.
using Held = std::shared_ptr<const Range>;

class RegistrationCache {
 public:
  // Null if the library refuses.
  using Register =
      std::function<std::unique_ptr<Registration>(std::byte* begin, std::size_t bytes)>;
  enum class Keep {
    while_held,
    as_long_as_there_is_room  // the least recently used goes first, never one that is held
  };
  struct Limits {
    std::size_t count = 256;  // providers' tables have some thousands
    std::size_t bytes = std::size_t{16} << 30;
  };

  RegistrationCache(Register make, Keep keep, const Limits& limits);
  ~RegistrationCache() { clear(); }
  RegistrationCache(const RegistrationCache&) = delete;
  RegistrationCache& operator=(const RegistrationCache&) = delete;

  // The registration of pages that hold all these bytes; null if there can be none. `bytes` is not
  // zero.
  Held get(const void* data, std::size_t bytes);
  // One that exists; null: there is none.
  Held find(const void* data, std::size_t bytes);
  // Ends all registrations, also those that are held.
  void clear();

  // Those that exist.
  std::size_t count();
  std::size_t bytes();

 private:
  struct Entry {
    std::weak_ptr<Range> range;
    std::shared_ptr<Range> kept;  // null: while_held
  };
  Held add(std::byte* begin, std::size_t bytes);
  bool make_room(std::size_t bytes);
  bool drop_oldest();
  void forget_ended();

  const Register make_;
  const Keep keep_;
  const Limits limits_;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace motet::registered
