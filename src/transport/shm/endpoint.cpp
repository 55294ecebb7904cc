#include "transport/shm/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "transport/shm/engine.hpp"

namespace motet::shm {
namespace {

// A region's number, where an address of its owner's process stands for the offset.
constexpr std::uint64_t ordinary_memory = ~std::uint64_t{0};

// As many as may be lent of the soft slots that there can be.
constexpr std::uint32_t most_kept = 32;
// Up to this a ring is as quick.
constexpr std::uint32_t worth_swapping = 512;

// What was in a ring, or in a slot of mine, moves to the heap; what is in a slot of the peer stays
// there, and keeps the slot.
class ShmAside final : public Aside {
 public:
  ShmAside(const Arrival& arrival, const std::byte* end)
      : copy_(arrival.data, end), arrival_{arrival.header, copy_.data()} {}
  ShmAside(const Arrival& arrival, std::shared_ptr<Neighbour> neighbour, std::uint32_t slot)
      : arrival_(arrival), neighbour_(std::move(neighbour)), slot_(slot) {
    neighbour_->hold(slot_);
  }
  ~ShmAside() override {
    if (neighbour_ && !is_forked_child()) neighbour_->release(slot_);
  }
  ShmAside(const ShmAside&) = delete;
  ShmAside& operator=(const ShmAside&) = delete;

  const Arrival& arrival() const override { return arrival_; }

 private:
  std::vector<std::byte> copy_;
  Arrival arrival_;
  std::shared_ptr<Neighbour> neighbour_;
  std::uint32_t slot_ = 0;
};

}  // namespace

ShmEndpoint::ShmEndpoint(std::shared_ptr<ShmEngine> engine, const Transport::Peer& peer,
                         const Address& address)
    : engine_(std::move(engine)),
      peer_(peer.engine),
      peer_name_(peer.name),
      index_(engine_->enter(*this)) {
  try {
    introduction_.emplace(engine_->identity(), peer, address, engine_->offer(index_));
  } catch (...) {
    engine_->leave(*this, index_);
    throw;
  }
}

ShmEndpoint::~ShmEndpoint() {
  engine_->leave(*this, index_);
}

bool ShmEndpoint::introduce() {
  if (!news_) return false;
  try {
    std::unique_ptr<Neighbour> neighbour = introduction_->advance();
    if (!neighbour) {
      if (introduction_->descriptor() >= 0) {
        engine_->watch(introduction_->descriptor(), ShmEngine::socket_tag(index_));
      }
      failure_ = introduction_->problem();
      news_ = introduction_->must_retry();
      return false;
    }
    attach(std::move(neighbour));
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return true;
}

void ShmEndpoint::attach(std::unique_ptr<Neighbour> neighbour) {
  introduction_.reset();
  failure_.clear();
  neighbour_ = std::move(neighbour);
  Segment& mine = engine_->segment();
  Segment& theirs = *neighbour_->segment;
  const std::uint32_t here = neighbour_->my_index;
  writer_ = RingWriter(mine, index_, theirs.peer(here).consumed);
  reader_ = RingReader(theirs, here, mine, mine.peer(index_).consumed, engine_->trouble());
  engine_->slots().watch(index_, theirs.peer(here));
  kept_.reserve(most_kept);
  sleeper_ = neighbour_->sleeper;
  same_process_ = neighbour_->same_process;
  inside_ = &theirs.peer(here).inside;
  peer_epoch_ = &theirs.engine().epoch;
  peer_reads_ = &theirs.peer(here).reads;
  note_readable();
  engine_->watch(neighbour_->socket.descriptor(), ShmEngine::socket_tag(index_));
  if (neighbour_->process)
    engine_->watch(neighbour_->process.get(), ShmEngine::process_tag(index_));
  state_ = State::ready;
}

// So that the peer knows how to publish.
void ShmEndpoint::note_readable() {
  const bool readable = neighbour_->memory.readable();
  engine_->segment().peer(index_).reads.store(readable, std::memory_order_relaxed);
  if (readable || same_process_) return;
  log(LogLevel::info,
      fmt::format("{} transport=shm peer=\"{}\" event=\"its memory cannot "
                  "be read ({}): large messages are copied twice\"",
                  rank_field(engine_->name()), peer_name_, neighbour_->memory.refusal()));
}

void ShmEndpoint::fail(const std::string& why) {
  if (state_ == State::failed) return;
  state_ = State::failed;
  failure_ = fmt::format("{}: shm to {}: {}", engine_->name(), peer_name_, why);
  writer_ = RingWriter();
  introduction_.reset();
}

void ShmEndpoint::fail_if_malformed() {
  if (reader_.malformed()) fail("the peer wrote a header that makes no sense");
}

bool ShmEndpoint::listen() {
  const State before = state_;
  for (Received received; neighbour_->socket.receive(received);) {
    switch (received.message.kind) {
      case Kind::region:
        reached_.add(received);
        break;
      case Kind::forget:
        reached_.forget(received.message.region);
        break;
      case Kind::left:
        fail("the peer has closed its end");
        break;
      case Kind::offer:
        fail("the peer made a second offer");
        break;
    }
  }
  if (neighbour_->socket.closed() || neighbour_->dead()) {
    fail(neighbour_->dead() ? fmt::format("process {} has ended", neighbour_->socket.process())
                            : "the connection was closed by the peer");
    engine_->peer_is_gone(index_);
  }
  return state_ != before;
}

// --- Blocks.

bool ShmEndpoint::send_without_line() {
  if (state_ == State::failed) return true;
  if (state_ == State::ready) refuse();
  return false;
}

bool ShmEndpoint::send_long(const Header& header, const void* data) {
  if (header.bytes >= worth_swapping && send_swapped(header, data)) return true;
  if (header.bytes <= writer_.longest_payload() && writer_.put_in_ring(header, data)) {
    sleeper_.wake_if(asleep);
    return true;
  }
  MOTET_ASSERT(header.bytes <= engine_->segment().layout().sizes().block_bytes,
               "a block is at most max_block_bytes() long");
  const std::optional<std::uint32_t> slot = engine_->slot_for(index_, header);
  if (!slot) {
    writer_.look_for_credit();  // so that only later credit is news
    refuse();
    return false;
  }
  engine_->slots().give(*slot, to_peer(header));
  fill_slot(header, data, Place::in_slot, {*slot, 0});
  return true;
}

// In a slot that has changed hands or may do so. False: there is none.
bool ShmEndpoint::send_swapped(const Header& header, const void* data) {
  if (!kept_.empty() && header.bytes <= kept_.back().bytes) {
    const std::uint32_t slot = kept_.back().slot;
    kept_.pop_back();
    fill_slot(header, data, Place::in_lent, {slot, 0});
    return true;
  }
  if (may_lend_ == 0) return false;
  const std::optional<std::uint32_t> slot = engine_->slots().lend(to_peer(header), header.bytes);
  if (!slot) return false;
  --may_lend_;
  fill_slot(header, data, Place::in_slot, {*slot, 1});
  return true;
}

void ShmEndpoint::fill_slot(const Header& header, const void* data, Place place,
                            SlotReference where) {
  Segment& owner = place == Place::in_lent ? *neighbour_->segment : engine_->segment();
  std::memcpy(owner.block(where.slot), data, header.bytes);
  writer_.put_slot(header, place, where);
  sleeper_.wake_if(asleep);
}

void ShmEndpoint::send_slot(const Header& header, std::uint32_t slot) {
  writer_.put_slot(header, Place::in_slot, {slot, 0});
  sleeper_.wake_if(asleep);
}

ShmEndpoint::Readiness ShmEndpoint::readiness() {
  if (state_ == State::connecting) return Readiness::connecting;
  if (state_ == State::failed) return Readiness::failed;
  return writer_.has_line() ? Readiness::ready : Readiness::no_line;
}

void ShmEndpoint::refuse() {
  engine_->want_room();
  // The first refusal counts: what is consumed after it may be room for that block, whatever is
  // refused later.
  if (std::exchange(refused_, true)) return;
  engine_->refused(*this);
  consumed_when_refused_ = writer_.consumed_seen();
}

bool ShmEndpoint::room_may_have_come() {
  if (writer_.consumed() == consumed_when_refused_) return false;
  refused_ = false;
  return true;
}

void ShmEndpoint::leave_payload() {
  if (reader_.front()->header.bytes >= worth_swapping) {
    may_lend_ = std::min(may_lend_ + 1, most_kept);
  }
  if (reader_.place() != Place::in_ring) leave_slot();
}

void ShmEndpoint::leave_slot() {
  const auto [slot, lent] = reader_.slot();
  if (reader_.place() == Place::in_lent) {
    if (!engine_->slots().take_back(slot, index_)) reader_.note_malformed();
    return;
  }
  if (lent == 0 || kept_.size() == most_kept) {
    // The peer lends no more, so what is kept is more use to it.
    if (!kept_.empty()) give_back_kept();
    return;
  }
  const Layout& layout = neighbour_->segment->layout();
  kept_.push_back({slot, layout.units_for(reader_.front()->header.bytes) * layout.unit_bytes()});
  note_kept(slot);
}

// A slot that changes hands has no other reader.
std::byte* ShmEndpoint::front_to_change() {
  if (state_ != State::ready || !writer_.has_line()) return nullptr;
  const auto [slot, lent] = reader_.slot();
  if (reader_.place() == Place::in_slot && lent != 0) return neighbour_->segment->block(slot);
  const std::uint32_t bytes = reader_.front()->header.bytes;
  const bool is_mine =
      reader_.place() == Place::in_lent && engine_->slots().is_lent_to(slot, index_, bytes);
  return is_mine ? engine_->slots().block(slot) : nullptr;
}

void ShmEndpoint::send_back(const Header& header) {
  MOTET_ASSERT(header.bytes == reader_.front()->header.bytes, "as long as what has come");
  const std::uint32_t slot = reader_.slot().slot;
  if (reader_.place() == Place::in_lent) {
    engine_->slots().lend_again(slot, to_peer(header));
    pop_line();
    writer_.put_slot(header, Place::in_slot, {slot, 1});
  } else {
    may_lend_ = std::min(may_lend_ + 1, most_kept);
    note_kept(slot);
    pop_line();
    writer_.put_slot(header, Place::in_lent, {slot, 0});
  }
  sleeper_.wake_if(asleep);
}

// The oldest, as it is.
void ShmEndpoint::give_back_kept() {
  const std::uint32_t slot = kept_.front().slot;
  kept_.erase(kept_.begin());
  note_kept(slot);
  sleeper_.wake_if(wants_room);
}

void ShmEndpoint::note_kept(std::uint32_t slot) {
  std::atomic<std::uint64_t>& kept = engine_->segment().peer(index_).kept;
  const std::uint64_t changed = kept.load(std::memory_order_relaxed) ^ std::uint64_t{1} << slot;
  kept.store(changed, std::memory_order_release);
}

std::unique_ptr<Aside> ShmEndpoint::set_aside() {
  const Arrival& arrival = *reader_.front();
  std::unique_ptr<Aside> aside;
  if (reader_.place() == Place::in_slot) {
    aside = std::make_unique<ShmAside>(arrival, neighbour_, reader_.slot().slot);
  } else {
    aside = std::make_unique<ShmAside>(arrival, arrival.data + arrival.header.bytes);
    if (reader_.place() != Place::in_line) leave_payload();
  }
  reader_.pop();
  sleeper_.wake_if(wants_room);
  return aside;
}

// --- Memory.

std::optional<Location> ShmEndpoint::publish(const void* data, std::size_t bytes) {
  if (state_ != State::ready) return std::nullopt;
  if (same_process_) return Location{0, reinterpret_cast<std::uint64_t>(data)};
  const Region* const region = engine_->regions().find(data, bytes);
  if (region == nullptr || !tell(*region)) return std::nullopt;
  const auto offset = static_cast<const std::byte*>(data) - region->address;
  return Location{region->id, static_cast<std::uint64_t>(offset)};
}

std::optional<Location> ShmEndpoint::publish_for_reading(const void* data, std::size_t /*bytes*/) {
  if (state_ != State::ready || peer_reads_->load(std::memory_order_relaxed) == 0) {
    return std::nullopt;
  }
  return Location{ordinary_memory, reinterpret_cast<std::uint64_t>(data)};
}

bool ShmEndpoint::tell(const Region& region) {
  if (region.id == last_told_) return true;
  const auto place = std::lower_bound(told_.begin(), told_.end(), region.id);
  if (place == told_.end() || *place != region.id) {
    tell_what_ended();
    const Message message{
        .kind = Kind::region, .region = region.id, .bytes = region.bytes, .offset = region.offset};
    if (!neighbour_->socket.send(message, std::array{region.memory.get()})) return false;
    told_.insert(place, region.id);
  }
  last_told_ = region.id;
  return true;
}

void ShmEndpoint::forget_region(std::uint64_t id) {
  const auto place = std::lower_bound(told_.begin(), told_.end(), id);
  if (place == told_.end() || *place != id) return;
  told_.erase(place);
  if (last_told_ == id) last_told_ = 0;
  ended_.push_back(id);
  tell_what_ended();
}

void ShmEndpoint::tell_what_ended() {
  while (!ended_.empty()) {
    const Message message{.kind = Kind::forget, .region = ended_.back()};
    if (!neighbour_->socket.send(message)) return;
    ended_.pop_back();
  }
}

std::byte* ShmEndpoint::reach(const Location& location, std::size_t bytes) {
  if (location.region == 0) {
    if (!same_process_) return nullptr;
    // It was a pointer of this process before it travelled.
    return reinterpret_cast<std::byte*>(location.offset);  // NOLINT(performance-no-int-to-ptr)
  }
  if (location.region == ordinary_memory) return nullptr;
  if (std::byte* const found = reached_.at(location, bytes)) return found;
  if (state_ == State::ready) listen();
  return reached_.at(location, bytes);
}

PeerMemory::Read ShmEndpoint::read(const Location& location, void* to, std::size_t bytes) {
  if (location.region != ordinary_memory) return Read::refused;
  if (neighbour_->memory.read(location.offset, to, bytes)) return Read::done;
  note_readable();
  return Read::refused;
}

bool ShmEndpoint::enter(std::uint32_t epoch) {
  if (state_ != State::ready) return false;
  inside_->store(1, std::memory_order_relaxed);
  light_fence(neighbour_->fence);
  if (peer_epoch_->load(std::memory_order_acquire) == epoch) return true;
  leave();
  return false;
}

std::uint32_t ShmEndpoint::epoch() const {
  return engine_->epoch();
}

}  // namespace motet::shm
