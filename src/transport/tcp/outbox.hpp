// What could not be written at once, in order.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace motet::tcp {

class Outbox {
 public:
  bool empty() const { return head_ == bytes_.size(); }
  std::size_t queued_bytes() const { return bytes_.size() - head_; }

  // Writes both parts to the socket as far as it takes them, after what is queued, and queues the
  // rest. 0 or an errno.
  [[nodiscard]] int write(int socket, std::span<const std::byte> first,
                          std::span<const std::byte> second);
  // Writes what is queued. 0 or an errno; `written` tells how much.
  [[nodiscard]] int flush(int socket, std::size_t* written);
  void clear();

 private:
  void queue(std::span<const std::byte> bytes);

  std::vector<std::byte> bytes_;  // from head_ on
  std::size_t head_ = 0;
};

}  // namespace motet::tcp
