// What a fabric library does for endpoints whose peers read each other's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "transport/transport.hpp"

namespace motet::messages {

// Until it has ended the library may write to `to`.
struct FabricRead {
  enum class State : std::uint8_t { under_way, done, failed };

  Location from;
  std::byte* to = nullptr;
  std::size_t bytes = 0;
  State state = State::under_way;
};

// One peer's. None of it throws.
class MemoryWire {
 public:
  virtual ~MemoryWire() = default;
  // Makes memory readable as long as the result lives; null if the library refuses.
  virtual std::shared_ptr<const void> hold(const void* data, std::size_t bytes) = 0;
  // Makes memory ready to be read into as long as the result lives; null if that is not needed, or
  // refused.
  virtual std::shared_ptr<const void> hold_target(void* to, std::size_t bytes) = 0;
  // Where the peer's library finds it; nothing if it is not held.
  virtual std::optional<Location> locate(const void* data, std::size_t bytes) = 0;
  // Reads by and by. It may outlive the wire and everybody else who knows the read.
  virtual void start(std::shared_ptr<FabricRead> read) = 0;
  // One of both withdraws his memory: what can be given up fails.
  virtual void give_up() = 0;
  // Ends at once what is being read over it in either direction, whatever else that ends.
  virtual void cut_off() = 0;
};

}  // namespace motet::messages
