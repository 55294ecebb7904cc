// One pair: this engine's end of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/shm/introduction.hpp"
#include "transport/shm/reached_regions.hpp"
#include "transport/shm/regions.hpp"
#include "transport/shm/ring.hpp"
#include "transport/shm/slots.hpp"
#include "transport/transport.hpp"

namespace motet::shm {

class ShmEngine;

class ShmEndpoint final : public Endpoint, public PeerMemory, public SendBack {
 public:
  // Takes a place in the engine. Throws Error{invalid_argument, unavailable}.
  ShmEndpoint(std::shared_ptr<ShmEngine> engine, const Transport::Peer& peer,
              const Address& address);
  ~ShmEndpoint() override;
  ShmEndpoint(const ShmEndpoint&) = delete;
  ShmEndpoint& operator=(const ShmEndpoint&) = delete;

  State state() const override { return state_; }
  const std::string& failure() const override { return failure_; }
  // The path of every small block: here, so that who knows that the endpoint is one of these need
  // not call.
  bool send(const Header& header, const void* data) override {
    if (header.bytes <= inline_bytes) return send_in_line(header, data);
    return writer_.has_line() ? send_long(header, data) : send_without_line();
  }
  // The same for at most inline_bytes.
  bool send_in_line(const Header& header, const void* data) {
    if (!writer_.has_line()) [[unlikely]]
      return send_without_line();
    writer_.put_in_line(header, data);
    sleeper_.wake_if(asleep);
    return true;
  }
  const RingReader& reader() const { return reader_; }
  // The front's line alone: its payload lies in it, or has been dealt with.
  void pop_line() {
    reader_.pop();
    sleeper_.wake_if(wants_room);
  }
  const Arrival* front() override { return reader_.front(); }
  void pop() override {
    if (reader_.place() != Place::in_line) leave_payload();
    pop_line();
  }
  std::unique_ptr<Aside> set_aside() override;
  std::byte* front_to_change() override;
  void send_back(const Header& header) override;
  // What is in shared memory is the peer's to read whatever this rank does.
  bool flushed() const override { return true; }

  std::optional<Location> publish(const void* data, std::size_t bytes) override;
  std::shared_ptr<const void> hold(const void*, std::size_t) override { return nullptr; }
  std::optional<Location> publish_for_reading(const void* data, std::size_t bytes) override;
  std::byte* reach(const Location& location, std::size_t bytes) override;
  Read read(const Location& location, void* to, std::size_t bytes) override;
  bool enter(std::uint32_t epoch) override;
  void leave() override { inside_->store(0, std::memory_order_release); }
  std::uint32_t epoch() const override;

  // For the engine.
  const Identity& peer() const { return peer_; }
  std::uint32_t index() const { return index_; }
  const std::shared_ptr<Neighbour>& neighbour() const { return neighbour_; }
  bool waits_for_connection() const { return introduction_ && introduction_->waits(); }
  void accept(Connection connection) {
    introduction_->accept(std::move(connection));
    news_ = true;
  }
  // Goes on connecting where there is news. True if the state changed.
  bool introduce();
  void has_news() { news_ = true; }
  // Reads what the peer said on the socket. True if the state changed.
  bool listen();
  // Also drops what is sent from now on.
  void fail(const std::string& why);
  void fail_if_malformed();
  // That region is no more.
  void forget_region(std::uint64_t id);

  // Sending a block to several. send_slot() needs `ready`, and a slot that has been given to this
  // peer.
  enum class Readiness : std::uint8_t { ready, no_line, connecting, failed };
  Readiness readiness();
  // For the next block.
  SlotReader to_peer(const Header& header) const {
    return {.peer = index_, .stream = header.stream, .line = writer_.next()};
  }
  void send_slot(const Header& header, std::uint32_t slot);
  // Remembers that a block found no room, so that the engine can say when there may be some.
  void refuse();
  bool room_may_have_come();

 private:
  bool send_without_line();
  bool send_long(const Header& header, const void* data);
  bool send_swapped(const Header& header, const void* data);
  void fill_slot(const Header& header, const void* data, Place place, SlotReference where);
  void leave_payload();
  void leave_slot();
  void give_back_kept();
  void note_kept(std::uint32_t slot);
  void note_readable();
  void attach(std::unique_ptr<Neighbour> neighbour);
  bool tell(const Region& region);
  void tell_what_ended();

  // The path of every block.
  RingWriter writer_;
  RingReader reader_;
  Sleeper sleeper_;
  State state_ = State::connecting;
  bool same_process_ = false;

  // Slots of the peer that I have read and keep for my next blocks to it; the last is used first,
  // being the one most likely in my cache.
  struct Kept {
    std::uint32_t slot;
    std::uint32_t bytes;  // that it has room for
  };
  std::vector<Kept> kept_;
  // How many slots may be lent: as many as long blocks have come since. Who only receives keeps
  // none.
  std::uint32_t may_lend_ = 0;

  bool refused_ = false;  // since the engine last said that there may be room
  std::uint64_t consumed_when_refused_ = 0;

  std::atomic<std::uint32_t>* inside_ = nullptr;            // mine, in the peer's segment
  const std::atomic<std::uint32_t>* peer_epoch_ = nullptr;  // likewise its own
  const std::atomic<std::uint32_t>* peer_reads_ = nullptr;  // likewise
  std::uint64_t last_told_ = 0;
  std::vector<std::uint64_t> told_;   // regions that the peer knows, ascending
  std::vector<std::uint64_t> ended_;  // regions of which it does not know yet that they are no more
  ReachedRegions reached_;

  std::shared_ptr<ShmEngine> engine_;
  Identity peer_;
  std::string peer_name_;
  std::uint32_t index_;  // of what is for the peer in my segment
  bool news_ = true;     // for introduction_
  std::optional<Introduction> introduction_;
  std::shared_ptr<Neighbour> neighbour_;
  std::string failure_;
};

}  // namespace motet::shm
