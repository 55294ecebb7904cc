// Blocks that have been sent and that the peer has not reported yet: they may have to go again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "transport/flow/buffer_pool.hpp"
#include "transport/rails/packet.hpp"

namespace motet::rails {

inline constexpr std::size_t no_lane = ~std::size_t{0};

// A label and its block, in one piece.
struct Packet {
  Header header;  // of the whole, for the lane
  flow::BufferPool::Buffer memory;
  std::size_t lane = no_lane;  // by which it went last; none: it waits

  Label& label() { return *reinterpret_cast<Label*>(memory.get()); }
  std::uint64_t number() { return label().number; }
};

// Copies the block.
Packet pack(const Header& header, const void* data, flow::BufferPool& pool);

class Retained {
 public:
  explicit Retained(std::shared_ptr<flow::BufferPool> pool) : pool_(std::move(pool)) {}

  std::uint64_t next_number() const { return next_number_; }
  // It has gone, as the next.
  void keep(Packet packet);
  // The peer has all blocks below `number`.
  void release_below(std::uint64_t number);
  // What went by this lane waits again. How many.
  std::size_t take_from(std::size_t lane);
  // Lets `send` try each that waits, oldest first; it sets their lane. True if one went.
  template <class Send>
  bool send_again(Send&& send) {
    if (waiting_ == 0) return false;
    bool gone = false;
    for (Packet& packet : packets_) {
      if (packet.lane != no_lane || !send(packet)) continue;
      --waiting_;
      gone = true;
    }
    return gone;
  }
  bool none_waits() const { return waiting_ == 0; }

 private:
  std::shared_ptr<flow::BufferPool> pool_;  // outlives the packets
  std::deque<Packet> packets_;              // by number
  std::uint64_t next_number_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace motet::rails
