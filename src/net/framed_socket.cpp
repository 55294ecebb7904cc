#include "net/framed_socket.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "net/socket.hpp"
#include "net/wire.hpp"

namespace motet {
namespace {

// Memory for a body grows with what has really arrived.
constexpr std::size_t least_growth = 64 * 1024;

}  // namespace

void FramedSocket::send(const std::string& frame, std::shared_ptr<const std::string> tail) {
  if (broken() || cannot_send_) return;
  const std::size_t bytes = frame.size() + (tail ? tail->size() : 0);
  WireWriter writer;
  writer.number(static_cast<std::uint32_t>(bytes));
  unsent_.push_back(std::make_shared<const std::string>(writer.take() + frame));
  if (tail && !tail->empty()) unsent_.push_back(std::move(tail));
  flush();
}

void FramedSocket::flush() {
  while (!unsent_.empty() && !broken()) {
    const auto piece = std::as_bytes(std::span(*unsent_.front())).subspan(sent_);
    const Moved moved = write_some(socket_.get(), piece);
    if (moved.broken()) return stop_sending();
    if (moved.bytes == 0) return;
    sent_ += moved.bytes;
    if (moved.bytes < piece.size()) continue;
    unsent_.pop_front();
    sent_ = 0;
  }
}

// The peer takes nothing more, but what it said before may not have been read yet; reading will
// find the end.
void FramedSocket::stop_sending() {
  unsent_.clear();
  sent_ = 0;
  cannot_send_ = true;
}

void FramedSocket::end(const Moved& got) {
  why_ = got.why();
  closed_ = got.closed;
}

// True: the length is known.
bool FramedSocket::read_length() {
  if (length_) return true;
  const Moved got = read_some(socket_.get(), std::span(length_bytes_).subspan(received_));
  received_ += got.bytes;
  if (got.broken()) end(got);
  if (received_ < length_bytes_.size()) return false;
  const std::string_view raw(reinterpret_cast<const char*>(length_bytes_.data()),
                             length_bytes_.size());
  length_ = WireReader(raw).number<std::uint32_t>();
  received_ = 0;
  if (*length_ <= longest_) return true;
  why_ = fmt::format("a message of {} bytes, longer than {}", *length_, longest_);
  return false;
}

// True: the body is complete.
bool FramedSocket::read_body() {
  while (received_ < *length_) {
    if (body_.size() == received_) {
      body_.resize(std::min(*length_, received_ + std::max(received_, least_growth)));
    }
    const Moved got =
        read_some(socket_.get(), std::as_writable_bytes(std::span(body_)).subspan(received_));
    received_ += got.bytes;
    if (got.broken()) end(got);
    if (got.bytes == 0) return false;
  }
  return true;
}

std::optional<std::string> FramedSocket::receive() {
  if (broken()) return {};
  if (!read_length() || !read_body()) return {};
  std::string frame = std::move(body_);
  frame.resize(*length_);
  body_.clear();
  length_.reset();
  received_ = 0;
  return frame;
}

}  // namespace motet
