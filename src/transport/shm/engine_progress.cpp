// What an engine does beside moving blocks: hears of peers, sleeps, wakes, and withdraws its
// memory.
#include <sched.h>
#include <sys/epoll.h>

#include <array>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "transport/shm/engine.hpp"

namespace motet::shm {
namespace {

// How long a peer may take to leave a block before its view of the memory is cut off.
constexpr std::chrono::milliseconds patience{100};
// A thread of this process cannot be cut off from a pointer, but it leaves its block as soon as it
// runs.
constexpr std::chrono::seconds patience_with_threads{10};

}  // namespace

void ShmEngine::watch(int descriptor, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  // What is watched already keeps its tag, which is the same.
  epoll_ctl(watching_.get(), EPOLL_CTL_ADD, descriptor, &event);
}

void ShmEngine::unwatch(const Neighbour& neighbour) {
  epoll_ctl(watching_.get(), EPOLL_CTL_DEL, neighbour.socket.descriptor(), nullptr);
  if (neighbour.process) {
    epoll_ctl(watching_.get(), EPOLL_CTL_DEL, neighbour.process.get(), nullptr);
  }
}

bool ShmEngine::progress(bool poll_kernel) {
  bool changed = false;
  if (poll_kernel) {
    changed = poll_watched();
    if (departing_ > 0) sweep_departing();
  }
  if (!connecting_.empty()) changed = introduce() || changed;
  if (trouble_) {
    trouble_ = false;
    changed = true;
    for (const Seat& seat : seats_) {
      if (seat.endpoint != nullptr) seat.endpoint->fail_if_malformed();
    }
  }
  if (!refused_.empty() || slot_refused_) changed = look_for_room() || changed;
  slots_.tidy();
  return changed;
}

bool ShmEngine::poll_watched() {
  std::array<epoll_event, 32> events{};
  const int count = epoll_wait(watching_.get(), events.data(), events.size(), 0);
  bool changed = false;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
    if (tag == listener_tag) {
      listener_news_ = true;
    } else {
      changed = handle(tag) || changed;
    }
  }
  return changed;
}

bool ShmEngine::handle(std::uint64_t tag) {
  const bool of_process = (tag & watches_process) != 0;
  const auto index = static_cast<std::uint32_t>(of_process ? tag >> 32 : tag);
  const Seat& seat = seats_[index];
  if (seat.departing) return listen_to_departing(index);
  if (seat.endpoint == nullptr) return false;
  if (seat.endpoint->neighbour()) return seat.endpoint->listen();
  seat.endpoint->has_news();
  return false;
}

// --- Sleeping.

void ShmEngine::announce_sleep() {
  asleep_ = true;
  segment_->engine().sleeping.store(room_wanted_ ? asleep | wants_room : asleep,
                                    std::memory_order_relaxed);
  heavy_fence();
}

void ShmEngine::announce_wake() {
  asleep_ = false;
  room_wanted_ = false;
  segment_->engine().sleeping.store(0, std::memory_order_relaxed);
  bell_.silence();
}

// --- Memory.

void ShmEngine::forget_region(std::uint64_t id) {
  for (const Seat& seat : seats_) {
    if (seat.endpoint != nullptr) seat.endpoint->forget_region(id);
  }
}

void ShmEngine::withdraw() {
  segment_->engine().epoch.fetch_add(1, std::memory_order_acq_rel);
  heavy_fence();
  if (wait_until_left(patience, Who::anybody)) return;
  cut_off();
  if (!wait_until_left(patience_with_threads, Who::this_process)) {
    log(LogLevel::error, "transport=shm event=\"a thread of this process does not leave a block\"");
  }
}

bool ShmEngine::wait_until_left(std::chrono::milliseconds span, Who who) {
  const Deadline deadline = Deadline::after(span);
  for (std::uint32_t i = 0; i < seats_used_; ++i) {
    while (is_inside(i, who)) {
      if (deadline.passed()) return false;
      sched_yield();
    }
  }
  return true;
}

bool ShmEngine::is_inside(std::uint32_t index, Who who) {
  // Acquire: what the peer did inside is over when it has left.
  if (segment_->peer(index).inside.load(std::memory_order_acquire) == 0) return false;
  const Seat& seat = seats_[index];
  const std::shared_ptr<Neighbour>& neighbour =
      seat.endpoint != nullptr ? seat.endpoint->neighbour() : seat.departing;
  if (!neighbour || neighbour->dead()) return false;
  return who == Who::anybody || neighbour->same_process;
}

void ShmEngine::cut_off() {
  try {
    for (const std::uint64_t id : regions_.cut_off()) forget_region(id);
  } catch (const Error& error) {
    log(LogLevel::error, error.what());
  }
}

}  // namespace motet::shm
