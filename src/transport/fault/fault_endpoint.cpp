#include "transport/fault/fault_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace motet::fault {
namespace {

// Enough to shuffle. More stays where it arrived, so that a sender far ahead is held up as without
// faults.
constexpr std::size_t most_held = 16;

}  // namespace

FaultEndpoint::FaultEndpoint(std::unique_ptr<Endpoint> inner, const FaultPlan& plan,
                             std::uint64_t seed, Endpoints& endpoints)
    : inner_(std::move(inner)), plan_(plan), random_(seed), endpoints_(endpoints) {
  endpoints_.push_back(this);
}

FaultEndpoint::~FaultEndpoint() {
  std::erase(endpoints_, this);
}

Endpoint::State FaultEndpoint::state() const {
  return inner_ == nullptr ? State::failed : inner_->state();
}

const std::string& FaultEndpoint::failure() const {
  return inner_ == nullptr ? failure_ : inner_->failure();
}

bool FaultEndpoint::send(const Header& header, const void* data) {
  if (inner_ == nullptr) return true;
  if (state() == State::ready && random_.happens(plan_.full)) {
    refused_ = true;
    return false;
  }
  if (!inner_->send(header, data)) return false;
  count_operation();
  return true;
}

const Arrival* FaultEndpoint::front() {
  if (held_.empty() || held_.front().calls_left > 0) return nullptr;
  return &held_.front().block->arrival();
}

void FaultEndpoint::pop() {
  set_aside().reset();
  count_operation();
}

std::unique_ptr<Aside> FaultEndpoint::set_aside() {
  MOTET_ASSERT(front() != nullptr, "only a block that has arrived can be taken");
  std::unique_ptr<Aside> block = std::move(held_.front().block);
  held_.pop_front();
  return block;
}

bool FaultEndpoint::progress() {
  if (inner_ == nullptr) return false;
  const bool had_front = front() != nullptr;
  for (Held& held : held_) {
    if (held.calls_left > 0) --held.calls_left;
  }
  take_arrivals();
  const bool may_send_again = std::exchange(refused_, false);
  return may_send_again || (front() != nullptr && !had_front);
}

void FaultEndpoint::take_arrivals() {
  while (held_.size() < most_held && inner_->front() != nullptr) {
    Held held{.block = inner_->set_aside(), .calls_left = 0};
    if (plan_.delay > 0) {
      held.calls_left = static_cast<std::uint32_t>(random_.below(std::uint64_t{plan_.delay} + 1));
    }
    const std::size_t place = place_for(held.block->arrival().header.stream);
    held_.insert(held_.begin() + static_cast<std::ptrdiff_t>(place), std::move(held));
  }
}

// Anywhere behind the last block of the same stream.
std::size_t FaultEndpoint::place_for(std::uint32_t stream) {
  if (!random_.happens(plan_.reorder)) return held_.size();
  const auto last = std::find_if(held_.rbegin(), held_.rend(), [&](const Held& held) {
    return held.block->arrival().header.stream == stream;
  });
  // The caller may be reading the front: it stays.
  const auto first = std::max<std::size_t>(static_cast<std::size_t>(held_.rend() - last),
                                           front() != nullptr ? 1 : 0);
  return first + random_.below(held_.size() - first + 1);
}

void FaultEndpoint::count_operation() {
  if (++operations_ != plan_.kill) return;
  failure_ = fmt::format("killed by the fault plan at operation {}", operations_);
  held_.clear();
  inner_.reset();
}

}  // namespace motet::fault
