// What one would write who needs exactly one algorithm and has only endpoints: no schedule, no
// operation, no call record. Blocks, their order and the order of combination are the library's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/host/reduce.hpp"
#include "ranks.hpp"

namespace motet::bench {

// One call's data, in elements.
struct Vector {
  const float* in;
  float* out;
  std::size_t count;
  std::size_t block;  // of a full block
};

// A rank's endpoints, and what its blocks are called.
class Wires {
 public:
  explicit Wires(Member& member);

  Rank rank() const { return rank_; }
  int world_size() const { return static_cast<int>(endpoints_.size()); }
  bool crowded() const { return crowded_; }

  // All ranks begin the same calls in the same order.
  void begin_call() { ++call_; }
  // False: no room now, try again.
  bool send(Rank peer, std::uint32_t block, const float* data, std::size_t count) {
    return endpoint(peer).send(header(block, count), data);
  }
  // To every other rank, of one copy. False: not yet to all, try again with the same block.
  bool send_to_all(std::uint32_t block, const float* data, std::size_t count);
  // The peer's block of that number, or null if it has not come. Throws std::runtime_error if
  // another one has.
  const float* front(Rank peer, std::uint32_t block);
  void pop(Rank peer) { endpoint(peer).pop(); }
  void progress();

 private:
  Endpoint& endpoint(Rank peer) { return *endpoints_[static_cast<std::size_t>(peer)]; }
  Header header(std::uint32_t block, std::size_t count) const {
    return {.key = call_ << 32 | block,
            .bytes = static_cast<std::uint32_t>(count * sizeof(float)),
            .stream = static_cast<std::uint32_t>(call_)};
  }

  Rank rank_;
  bool crowded_;
  std::uint64_t call_ = 0;
  std::vector<Endpoint*> endpoints_;  // by rank; null for this one
  Transport* transport_;
  GroupSend* group_send_;
  std::vector<GroupSend::Outgoing> outgoing_;  // of a block that is not yet sent to all
};

// Sum of all ranks' vectors in `out`, by sending everything to everybody ("mesh"), or round a ring.
// Throw std::runtime_error if they wait for too long.
void one_shot(Wires& wires, const Vector& vector);
void ring(Wires& wires, const Vector& vector);

}  // namespace motet::bench
