// What the endpoints of one transport share: the segment, the slots, the bell, and the table of
// peers. Owned by the transport and its endpoints, which may be destroyed in any order.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "transport/shm/bell.hpp"
#include "transport/shm/endpoint.hpp"
#include "transport/shm/regions.hpp"
#include "transport/shm/slots.hpp"

namespace motet::shm {

class ShmEngine {
 public:
  ShmEngine(const TransportOptions& options, const Sizes& sizes);

  const Identity& identity() const { return identity_; }
  const std::string& name() const { return name_; }
  Segment& segment() { return *segment_; }
  SlotPool& slots() { return slots_; }
  Regions& regions() { return regions_; }
  bool& trouble() { return trouble_; }
  Offer offer(std::uint32_t index) const;
  bool has_membarrier() const { return has_membarrier_; }

  // A seat in the table. Throws Error{invalid_argument, unavailable}.
  std::uint32_t enter(ShmEndpoint& endpoint);
  // The peer may go on reading what it was sent; the seat is free when it has gone too.
  void leave(ShmEndpoint& endpoint, std::uint32_t index);
  // The peer reads nothing any more: its slots come back.
  void peer_is_gone(std::uint32_t index);

  // A slot for this block, or nothing now.
  std::optional<std::uint32_t> slot_for(std::uint32_t peer, const Header& header);
  // A block found no room: progress() says when there may be some, and until then a sleeper is
  // woken for it.
  void want_room();
  void refused(ShmEndpoint& endpoint) { refused_.push_back(&endpoint); }
  void send_to_all(std::span<GroupSend::Outgoing> outgoing, const void* data);

  // A connection that the listener has accepted; kept until an endpoint wants it.
  void accept(Connection connection);
  void dismiss(const Identity& job);
  // progress() calls the kernel only now and then; `poll_kernel` makes it. True if anything
  // changed.
  bool progress(bool poll_kernel);
  // Whether the listener has something to do, as progress() has found out.
  bool take_listener_news() { return std::exchange(listener_news_, false); }
  void watch(int descriptor, std::uint64_t tag);
  void unwatch(const Neighbour& neighbour);
  static std::uint64_t socket_tag(std::uint32_t index) { return index; }
  static std::uint64_t process_tag(std::uint32_t index) {
    return std::uint64_t{index} << 32 | watches_process;
  }
  static constexpr std::uint64_t listener_tag = ~std::uint64_t{0};

  void announce_sleep();
  void announce_wake();
  // Whether every progress() must ask the kernel: someone connects, or the caller is about to
  // sleep.
  bool needs_poll() const { return asleep_ || !connecting_.empty(); }
  std::vector<int> descriptors() const { return {bell_.descriptor(), watching_.get()}; }

  std::uint32_t epoch() { return segment_->engine().epoch.load(std::memory_order_relaxed); }
  void forget_region(std::uint64_t id);
  void withdraw();

  // The transport is closed: all endpoints fail.
  void close();

 private:
  static constexpr std::uint64_t watches_process = std::uint64_t{1} << 31;

  // An endpoint, or what is left of one while its peer may still read.
  struct Seat {
    ShmEndpoint* endpoint = nullptr;
    std::shared_ptr<Neighbour> departing;
    bool finished = false;  // the peer has been told that nothing of its is held here any more
  };
  bool handle(std::uint64_t tag);
  bool introduce();
  bool look_for_room();
  void note_released();
  bool poll_watched();
  bool listen_to_departing(std::uint32_t index);
  void sweep_departing();
  void free_seat(std::uint32_t index);
  void choose_readers(std::span<GroupSend::Outgoing> outgoing);
  std::optional<std::uint32_t> slot_for_readers(std::uint32_t bytes);
  enum class Who { anybody, this_process };
  bool wait_until_left(std::chrono::milliseconds span, Who who);
  bool is_inside(std::uint32_t index, Who who);
  void cut_off();

  Identity identity_;
  std::string name_;
  MemoryNonce nonce_;  // peers read it back
  bool reads_peers_;
  bool has_membarrier_;
  std::shared_ptr<Segment> segment_;
  SlotPool slots_;
  Regions regions_;
  Bell bell_;
  Descriptor watching_;  // epoll

  std::vector<Seat> seats_;
  std::uint32_t seats_used_ = 0;  // none beyond is taken
  std::uint32_t departing_ = 0;
  std::vector<ShmEndpoint*> connecting_;
  std::vector<Connection> waiting_;  // accepted, by endpoints to come
  std::vector<ShmEndpoint*> refused_;
  std::vector<GroupSend::Outgoing*> readers_;  // of the block being sent to several
  bool room_wanted_ = false;                   // since the last sleep
  bool slot_refused_ = false;                  // since progress() last saw a slot come back
  std::uint64_t released_when_refused_ = 0;
  bool trouble_ = false;  // some peer has written nonsense
  bool asleep_ = false;
  bool listener_news_ = false;
};

}  // namespace motet::shm
