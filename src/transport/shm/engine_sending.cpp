// Room for blocks, and one block for several readers.
#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "transport/shm/engine.hpp"

namespace motet::shm {

std::optional<std::uint32_t> ShmEngine::slot_for(std::uint32_t peer, const Header& header) {
  if (const auto slot = slots_.take(header.bytes)) return slot;
  // Before the look at the stream's blocks: one released after that look is news.
  note_released();
  if (slots_.holds(peer, header.stream)) return std::nullopt;
  return slots_.take_overflow();
}

void ShmEngine::note_released() {
  // The first refusal counts, as with the credit of each endpoint.
  if (!std::exchange(slot_refused_, true)) released_when_refused_ = slots_.released();
}

void ShmEngine::want_room() {
  // Asked for only after going to sleep was announced: a release in between has rung nobody, so
  // look again.
  if (!std::exchange(room_wanted_, true) && asleep_) bell_.ring();
}

bool ShmEngine::look_for_room() {
  bool found =
      std::erase_if(refused_, [](ShmEndpoint* endpoint) {
        return endpoint->state() == Endpoint::State::failed || endpoint->room_may_have_come();
      }) > 0;
  if (slot_refused_ && slots_.released() != released_when_refused_) {
    slot_refused_ = false;
    found = true;
  }
  return found;
}

void ShmEngine::send_to_all(std::span<GroupSend::Outgoing> outgoing, const void* data) {
  if (outgoing.empty()) return;
  const std::uint32_t bytes = outgoing.front().header.bytes;
  if (bytes <= inline_bytes || outgoing.size() == 1) {
    for (GroupSend::Outgoing& one : outgoing) one.taken = one.to->send(one.header, data);
    return;
  }
  MOTET_ASSERT(bytes <= segment_->layout().sizes().block_bytes,
               "a block is at most max_block_bytes() long");
  choose_readers(outgoing);
  if (readers_.empty()) return;
  const std::optional<std::uint32_t> slot = slot_for_readers(bytes);
  if (!slot) return;
  std::memcpy(slots_.block(*slot), data, bytes);
  for (const GroupSend::Outgoing* reader : readers_) {
    slots_.give(*slot, static_cast<ShmEndpoint*>(reader->to)->to_peer(reader->header));
  }
  // Only now: the first reader may be done with it before the last one hears of it.
  for (GroupSend::Outgoing* reader : readers_) {
    static_cast<ShmEndpoint*>(reader->to)->send_slot(reader->header, *slot);
    reader->taken = true;
  }
}

void ShmEngine::choose_readers(std::span<GroupSend::Outgoing> outgoing) {
  readers_.clear();
  for (GroupSend::Outgoing& one : outgoing) {
    auto& endpoint = *static_cast<ShmEndpoint*>(one.to);
    const ShmEndpoint::Readiness readiness = endpoint.readiness();
    one.taken = readiness == ShmEndpoint::Readiness::failed;
    if (readiness == ShmEndpoint::Readiness::ready) readers_.push_back(&one);
    if (readiness == ShmEndpoint::Readiness::no_line) {
      endpoint.refuse();
    }
  }
}

// Without a soft slot, those who still hold a block of their stream are left out.
std::optional<std::uint32_t> ShmEngine::slot_for_readers(std::uint32_t bytes) {
  if (const auto slot = slots_.take(bytes)) return slot;
  note_released();
  std::erase_if(readers_, [this](const GroupSend::Outgoing* reader) {
    auto& endpoint = *static_cast<ShmEndpoint*>(reader->to);
    if (!slots_.holds(endpoint.index(), reader->header.stream)) return false;
    endpoint.refuse();
    return true;
  });
  if (readers_.empty()) return std::nullopt;
  const auto slot = slots_.take_overflow();
  if (slot) return slot;
  for (const GroupSend::Outgoing* reader : readers_) {
    static_cast<ShmEndpoint*>(reader->to)->refuse();
  }
  return std::nullopt;
}

}  // namespace motet::shm
