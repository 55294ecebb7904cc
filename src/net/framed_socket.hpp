// Whole messages over an authenticated connection: each is its length (32 bits) and its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/descriptor.hpp"

namespace motet {

struct Moved;

// Never blocks, and throws nothing but std::bad_alloc. One thread at a time. Once broken it stays
// so: what arrives later is not read.
class FramedSocket {
 public:
  // A frame announced as longer than `longest` breaks the connection before memory is taken for it.
  FramedSocket(Descriptor socket, std::size_t longest)
      : socket_(std::move(socket)), longest_(longest) {}

  // Queues and sends what the socket takes now. The tail is shared, not copied: one value may go to
  // many.
  void send(const std::string& frame, std::shared_ptr<const std::string> tail = nullptr);
  void flush();
  // False: what is sent from now on is dropped, as what was unsent has been.
  bool can_send() const { return !broken() && !cannot_send_; }
  bool has_unsent() const { return !unsent_.empty(); }

  // The next frame that has arrived whole.
  std::optional<std::string> receive();

  bool broken() const { return !why_.empty(); }
  const std::string& why() const { return why_; }  // "Connection reset by peer"
  bool closed() const { return closed_; }          // broken by the peer, in order
  int descriptor() const { return socket_.get(); }

 private:
  void stop_sending();
  void end(const Moved& got);
  bool read_length();
  bool read_body();

  Descriptor socket_;
  std::size_t longest_;
  std::deque<std::shared_ptr<const std::string>> unsent_;
  std::size_t sent_ = 0;  // bytes of the first unsent piece
  std::array<std::byte, 4> length_bytes_{};
  std::size_t received_ = 0;  // of the length, then of the body
  std::optional<std::size_t> length_;
  std::string body_;
  std::string why_;
  bool closed_ = false;
  bool cannot_send_ = false;
};

}  // namespace motet
