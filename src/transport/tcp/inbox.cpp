#include "transport/tcp/inbox.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/assert.hpp"

namespace motet::tcp {
namespace {

constexpr std::size_t staging_bytes = 16 * 1024;  // some hundred small frames a read
// Behind the rest of a long block only this much is read ahead: the next header and a small block,
// since what is staged must be copied once more.
constexpr std::size_t read_ahead_bytes = 4 * 1024;

// A list of parts costs the kernel more than one.
ssize_t read_into(int socket, std::array<iovec, 2>& room) {
  if (room[0].iov_len == 0) {
    return ::recv(socket, room[1].iov_base, room[1].iov_len, MSG_DONTWAIT);
  }
  msghdr message{};
  message.msg_iov = room.data();
  message.msg_iovlen = room.size();
  return ::recvmsg(socket, &message, MSG_DONTWAIT);
}

}  // namespace

Inbox::Inbox(std::size_t max_block_bytes, std::shared_ptr<BufferPool> pool, Window& window)
    : max_block_bytes_(max_block_bytes), pool_(std::move(pool)), window_(window) {}

Inbox::Outcome Inbox::read(int socket) {
  if (staging_.empty()) staging_.resize(staging_bytes);
  Room room = this->room();
  const std::size_t wanted = room[0].iov_len + room[1].iov_len;
  const ssize_t got = read_into(socket, room);
  if (got == 0) return {.bytes = 0, .drained = true, .end = "tcp: closed by the peer"};
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {.bytes = 0, .drained = true, .end = {}};
    return {
        .bytes = 0, .drained = true, .end = "tcp: read: " + std::generic_category().message(errno)};
  }
  const auto bytes = static_cast<std::size_t>(got);
  const std::size_t direct = std::min(bytes, room[0].iov_len);
  missing_ -= direct;
  end_ += bytes - direct;
  return {.bytes = bytes, .drained = bytes < wanted, .end = digest()};
}

Inbox::Room Inbox::room() {
  // Here either nothing is staged, or the beginning of a header.
  if (begin_ > 0) std::memmove(staging_.data(), staging_.data() + begin_, staged());
  end_ -= std::exchange(begin_, 0);
  Room room{};
  std::size_t staging_room = staging_.size() - end_;
  if (missing_ > 0) {
    room[0] = {payload_ + (block_.arrival.header.bytes - missing_), missing_};
    if (missing_ > staging_.size()) staging_room = read_ahead_bytes;
  }
  room[1] = {staging_.data() + end_, staging_room};
  return room;
}

std::string Inbox::digest() {
  while (true) {
    if (under_way_) {
      const std::size_t part = std::min(missing_, staged());
      if (part > 0) {
        std::memcpy(payload_ + (block_.arrival.header.bytes - missing_), staging_.data() + begin_,
                    part);
      }
      begin_ += part;
      missing_ -= part;
      if (missing_ > 0) return {};
      if (std::string problem = complete(); !problem.empty()) return problem;
    }
    if (staged() < sizeof(Frame)) return {};
    Frame frame;
    std::memcpy(&frame, staging_.data() + begin_, sizeof frame);
    begin_ += sizeof frame;
    if (std::string problem = begin(frame); !problem.empty()) return problem;
  }
}

std::string Inbox::begin(const Frame& frame) {
  const bool credit = frame.kind == FrameKind::credit;
  if (!credit && frame.kind != FrameKind::block) {
    return fmt::format("tcp: the peer sent a frame of unknown kind {:#x}",
                       static_cast<std::uint32_t>(frame.kind));
  }
  const std::size_t longest = credit ? flow::max_credits * sizeof(Credit) : max_block_bytes_;
  if (frame.bytes > longest || (credit && frame.bytes % sizeof(Credit) != 0)) {
    return fmt::format("tcp: the peer sent a {} of {} bytes; the longest has {}",
                       credit ? "credit" : "block", frame.bytes, longest);
  }
  if (!window_.close(frame.credit)) return "tcp: the peer consumed blocks that were not sent";
  under_way_ = true;
  kind_ = frame.kind;
  missing_ = frame.bytes;
  const Header header = flow::header_of(frame);
  payload_ = credit ? nullptr : place_for(header);
  if (payload_ == nullptr) {
    block_.memory = pool_->take(frame.bytes);
    payload_ = block_.memory.get();
  }
  block_.arrival = {.header = header, .data = payload_};
  return {};
}

// Null if it is not expected, or not like this.
std::byte* Inbox::place_for(const Header& header) {
  const auto found = std::ranges::find(
      expected_, header.key, [](const Expected& expected) { return expected.header.key; });
  if (found == expected_.end()) return nullptr;
  const bool like_this =
      found->header.fingerprint == header.fingerprint && found->header.bytes == header.bytes;
  std::byte* const to = like_this ? found->to : nullptr;
  expected_.erase(found);
  return to;
}

void Inbox::forget(Key key, Key mask) {
  const auto is_meant = [&](const Header& header) { return ((header.key ^ key) & mask) == 0; };
  std::erase_if(expected_, [&](const Expected& expected) { return is_meant(expected.header); });
  const Header& header = block_.arrival.header;
  const bool arrives_there = under_way_ && kind_ == FrameKind::block && header.bytes > 0 &&
                             block_.memory == nullptr && is_meant(header);
  if (!arrives_there) return;
  // Nobody will read it, but the bytes behind it are wanted.
  block_.memory = pool_->take(header.bytes);
  block_.arrival.data = payload_ = block_.memory.get();
}

std::string Inbox::complete() {
  under_way_ = false;
  if (kind_ == FrameKind::block) {
    blocks_.push_back(std::move(block_));
    return {};
  }
  for (std::size_t at = 0; at < block_.arrival.header.bytes; at += sizeof(Credit)) {
    Credit credit;
    std::memcpy(&credit, payload_ + at, sizeof credit);
    if (!window_.close(credit)) return "tcp: the peer consumed blocks that were not sent";
  }
  block_.memory.reset();
  return {};
}

Block Inbox::take_front() {
  MOTET_ASSERT(front() != nullptr, "only a block that has arrived can be taken");
  Block block = std::move(blocks_[head_++]);
  // Dropped only when they are half of all, so that each block is moved at most once on average.
  if (2 * head_ >= blocks_.size()) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return block;
}

}  // namespace motet::tcp
