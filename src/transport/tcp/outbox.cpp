#include "transport/tcp/outbox.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace motet::tcp {
namespace {

// Bytes written, 0 if the socket is full, or -1 and errno.
ssize_t write_now(int socket, std::span<iovec> parts) {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t written = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return written;
}

iovec part(std::span<const std::byte> bytes) {
  // sendmsg only reads, but shares its type with recvmsg.
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

int Outbox::write(int socket, std::span<const std::byte> first, std::span<const std::byte> second) {
  std::size_t done = 0;
  if (empty()) {
    std::array parts{part(first), part(second)};
    const ssize_t written = write_now(socket, parts);
    if (written < 0) return errno;
    done = static_cast<std::size_t>(written);
  }
  queue(first.subspan(std::min(done, first.size())));
  queue(second.subspan(done - std::min(done, first.size())));
  return 0;
}

int Outbox::flush(int socket, std::size_t* written) {
  *written = 0;
  if (empty()) return 0;
  std::array parts{part(std::span(bytes_).subspan(head_))};
  const ssize_t result = write_now(socket, parts);
  if (result < 0) return errno;
  *written = static_cast<std::size_t>(result);
  head_ += *written;
  if (empty()) clear();
  return 0;
}

void Outbox::queue(std::span<const std::byte> bytes) {
  // Written bytes are dropped only when they are half of all, so that each byte is moved at most
  // once on average.
  if (2 * head_ > bytes_.size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Outbox::clear() {
  bytes_.clear();
  head_ = 0;
}

}  // namespace motet::tcp
