// Reads frames off a socket and keeps the blocks that have arrived, in order.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/flow/buffer_pool.hpp"
#include "transport/flow/frame.hpp"
#include "transport/flow/window.hpp"
#include "transport/transport.hpp"

namespace motet::tcp {

using flow::BufferPool;
using flow::Credit;
using flow::Frame;
using flow::FrameKind;
using flow::Window;

// A block and where it lies.
struct Block {
  Arrival arrival;
  BufferPool::Buffer memory;
};

// Small frames are read many at a time into a staging area and copied out; of a long block only the
// beginning is, the rest goes straight into its memory, or to where it is expected.
class Inbox {
 public:
  // Credits that arrive are given to `window`, which must outlive this.
  Inbox(std::size_t max_block_bytes, std::shared_ptr<BufferPool> pool, Window& window);

  struct Outcome {
    std::size_t bytes = 0;  // read
    bool drained = false;   // the socket had no more
    std::string end;        // why nothing more can come; empty while it can
  };
  // One read. Never blocks.
  Outcome read(int socket);

  // See DirectPlacement.
  void expect(const Header& header, std::byte* to) { expected_.push_back({header, to}); }
  void forget(Key key, Key mask);

  Block* front() { return head_ < blocks_.size() ? &blocks_[head_] : nullptr; }
  // There must be one.
  Block take_front();

 private:
  using Room = std::array<iovec, 2>;  // the rest of the block under way, then staging
  Room room();
  std::string digest();  // what is staged; why not, if it makes no sense
  std::string begin(const Frame& frame);
  std::string complete();
  std::byte* place_for(const Header& header);
  std::size_t staged() const { return end_ - begin_; }

  std::size_t max_block_bytes_;
  std::shared_ptr<BufferPool> pool_;  // before the blocks
  Window& window_;

  std::vector<std::byte> staging_;
  std::size_t begin_ = 0, end_ = 0;  // of what is staged and not digested

  // The frame under way, if any.
  bool under_way_ = false;
  FrameKind kind_{};
  Block block_;
  std::byte* payload_ = nullptr;  // where it goes
  std::size_t missing_ = 0;       // bytes of it

  struct Expected {
    Header header;
    std::byte* to;
  };
  std::vector<Expected> expected_;  // few

  std::vector<Block> blocks_;  // from head_ on
  std::size_t head_ = 0;
};

}  // namespace motet::tcp
