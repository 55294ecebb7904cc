#include "transport/messages/memory_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "transport/messages/memory_epoch.hpp"

namespace motet::messages {
namespace {

using flow::Frame;
using flow::FrameKind;

Frame about_memory(FrameKind kind, std::uint32_t epoch) {
  Frame frame{};
  frame.kind = kind;
  frame.key = epoch;
  return frame;
}

}  // namespace

MemoryEndpoint::MemoryEndpoint(const Setup& setup, Transport::Peer peer, std::unique_ptr<Wire> wire,
                               Directory& directory, Means means)
    : MessageEndpoint(setup, std::move(peer), std::move(wire), directory),
      memory_(std::move(means.memory)),
      mine_(means.epoch) {
  mine_.enter(*this);
  if (!awaits_greeting()) MemoryEndpoint::welcome();
}

MemoryEndpoint::~MemoryEndpoint() {
  mine_.leave(*this);
}

void MemoryEndpoint::welcome() {
  post(about_memory(FrameKind::readable, epoch()), {});
}

std::uint32_t MemoryEndpoint::epoch() const {
  return mine_.current();
}

std::shared_ptr<const void> MemoryEndpoint::hold(const void* data, std::size_t bytes) {
  if (!peer_epoch_) return nullptr;
  auto held = memory_->hold(data, bytes);
  std::erase_if(exposed_, [](const auto& each) { return each.expired(); });
  if (held != nullptr) exposed_.push_back(held);
  return held;
}

std::shared_ptr<const void> MemoryEndpoint::hold_target(void* to, std::size_t bytes) {
  return memory_->hold_target(to, bytes);
}

std::optional<Location> MemoryEndpoint::publish_for_reading(const void* data, std::size_t bytes) {
  if (state() != Endpoint::State::ready || !peer_epoch_ || bytes == 0) return std::nullopt;
  return memory_->locate(data, bytes);
}

PeerMemory::Read MemoryEndpoint::read(const Location& location, void* to, std::size_t bytes) {
  const auto found = std::ranges::find_if(reads_, [&](const auto& read) {
    return read->to == to && read->from.region == location.region &&
           read->from.offset == location.offset;
  });
  std::shared_ptr<FabricRead> read;
  if (found != reads_.end()) {
    read = *found;
  } else {
    if (state() != Endpoint::State::ready || peer_wants_) return Read::refused;
    read = reads_.emplace_back(
        std::make_shared<FabricRead>(FabricRead{location, static_cast<std::byte*>(to), bytes}));
    memory_->start(read);
  }
  if (state() == Endpoint::State::failed) memory_->give_up();
  if (read->state == FabricRead::State::under_way) return Read::pending;
  reads_.remove(read);
  return read->state == FabricRead::State::done ? Read::done : Read::refused;
}

bool MemoryEndpoint::enter(std::uint32_t epoch) {
  answer_withdrawal();
  return state() == Endpoint::State::ready && peer_epoch_ == epoch;
}

void MemoryEndpoint::take_about_memory(const Frame& frame) {
  const auto epoch = static_cast<std::uint32_t>(frame.key);
  if (frame.kind == FrameKind::readable) {
    peer_epoch_ = epoch;
  } else if (frame.kind == FrameKind::withdraw) {
    peer_wants_ = epoch;
    memory_->give_up();
    answer_withdrawal();
  } else if (asked_ == epoch) {
    asked_.reset();
  }
}

// What has been read since it was asked for is right, but may lie where the operation that knows of
// it expects it no more.
void MemoryEndpoint::answer_withdrawal() {
  if (!peer_wants_ || reads_anything()) return;
  peer_epoch_ = std::exchange(peer_wants_, std::nullopt);
  reads_.clear();
  post(about_memory(FrameKind::withdrawn, *peer_epoch_), {});
}

bool MemoryEndpoint::reads_anything() const {
  return std::ranges::any_of(
      reads_, [](const auto& read) { return read->state == FabricRead::State::under_way; });
}

bool MemoryEndpoint::is_exposed() {
  return std::ranges::any_of(exposed_, [](const auto& held) { return !held.expired(); });
}

// Whoever has been told of an epoch has to be told of the next, although it is not known yet that
// he reads: one that he does not know of is refused for ever.
void MemoryEndpoint::ask_to_withdraw(std::uint32_t new_epoch) {
  memory_->give_up();
  if (awaits_greeting() || state() == Endpoint::State::failed) return;
  if (is_exposed()) asked_ = new_epoch;
  post(about_memory(FrameKind::withdraw, new_epoch), {});
}

void MemoryEndpoint::follow_what_was_read() {
  if (awaits_answer()) post(about_memory(FrameKind::alive, epoch()), {});
}

void MemoryEndpoint::finish_withdrawing() {
  if (may_be_sending() || reads_anything()) memory_->cut_off();
  asked_.reset();
  reads_.clear();
  exposed_.clear();
}

}  // namespace motet::messages
