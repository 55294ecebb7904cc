#include "transport/shm/peer_socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace motet::shm {
namespace {

constexpr std::size_t most_descriptors = 2;

// Room for the descriptors of one message, aligned as the system wants it.
union Ancillary {
  cmsghdr align;
  std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> bytes;
};

int process_at(int socket) noexcept {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return 0;
  return credentials.pid;
}

void take_descriptors(msghdr& header, Received& received) noexcept {
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < here; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      Descriptor descriptor(fd);
      if (count < most_descriptors) received.descriptors[count++] = std::move(descriptor);
    }
  }
}

bool well_formed(const Received& received) {
  const bool first = static_cast<bool>(received.descriptors[0]);
  const bool second = static_cast<bool>(received.descriptors[1]);
  switch (received.message.kind) {
    case Kind::offer:
      return first && second && received.message.index < max_peers;
    case Kind::region:
      return first && !second;
    case Kind::forget:
    case Kind::left:
      return !first;
  }
  return false;
}

}  // namespace

PeerSocket::PeerSocket(Connection connection)
    : connection_(std::move(connection)), process_(process_at(connection_.socket.get())) {}

bool PeerSocket::send(const Message& message, std::span<const int> descriptors) noexcept {
  if (closed_) return false;
  Message copy = message;
  iovec part{.iov_base = &copy, .iov_len = sizeof copy};
  Ancillary ancillary{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const std::size_t bytes = descriptors.size_bytes();
    header.msg_control = ancillary.bytes.data();
    header.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), bytes);
  }
  // The system takes a message this short whole or not at all.
  return sendmsg(connection_.socket.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(sizeof copy);
}

bool PeerSocket::receive(Received& received) noexcept {
  if (closed_) return false;
  received = Received{};
  iovec part{.iov_base = &received.message, .iov_len = sizeof received.message};
  Ancillary ancillary{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.bytes.data();
  header.msg_controllen = sizeof ancillary.bytes;
  const ssize_t got = recvmsg(connection_.socket.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got > 0) take_descriptors(header, received);
  // Sent whole, received whole: anything else does not come from a Motet that works.
  if (got == static_cast<ssize_t>(sizeof(Message)) && well_formed(received)) return true;
  closed_ = true;
  return false;
}

void PeerSocket::finish() noexcept {
  shutdown(connection_.socket.get(), SHUT_WR);
}

}  // namespace motet::shm
