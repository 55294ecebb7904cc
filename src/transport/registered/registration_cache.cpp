#include "transport/registered/registration_cache.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace motet::registered {
namespace {

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

RegistrationCache::RegistrationCache(Register make, Keep keep, const Limits& limits)
    : make_(std::move(make)), keep_(keep), limits_(limits) {}

Held RegistrationCache::get(const void* data, std::size_t bytes) {
  // Libraries want to be able to write to what they read into.
  auto* const first = static_cast<std::byte*>(const_cast<void*>(data));
  if (Held found = find(first, bytes)) return found;
  const std::size_t before = reinterpret_cast<std::uintptr_t>(first) % page_bytes();
  const std::size_t pages = (before + bytes + page_bytes() - 1) / page_bytes();
  return add(first - before, pages * page_bytes());
}

Held RegistrationCache::find(const void* data, std::size_t bytes) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    auto range = entry->range.lock();
    if (range == nullptr || !range->contains(static_cast<const std::byte*>(data), bytes)) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return range;
  }
  return nullptr;
}

Held RegistrationCache::add(std::byte* begin, std::size_t bytes) {
  if (!make_room(bytes)) return nullptr;
  auto registration = make_(begin, bytes);
  // The system allows less than the limits: what others need goes.
  while (registration == nullptr && drop_oldest()) registration = make_(begin, bytes);
  if (registration == nullptr) return nullptr;
  auto range = std::make_shared<Range>();
  range->begin = begin;
  range->bytes = bytes;
  range->registration = std::move(registration);
  entries_.push_front({range, keep_ == Keep::while_held ? nullptr : range});
  return range;
}

bool RegistrationCache::make_room(std::size_t bytes) {
  if (bytes > limits_.bytes) return false;
  while (count() >= limits_.count || this->bytes() > limits_.bytes - bytes) {
    if (!drop_oldest()) return false;
  }
  return true;
}

// False if all are held.
bool RegistrationCache::drop_oldest() {
  const auto oldest = std::find_if(entries_.rbegin(), entries_.rend(), [](const Entry& entry) {
    return entry.kept != nullptr && entry.kept.use_count() == 1;
  });
  if (oldest == entries_.rend()) return false;
  entries_.erase(std::next(oldest).base());
  return true;
}

void RegistrationCache::forget_ended() {
  entries_.remove_if([](const Entry& entry) { return entry.range.expired(); });
}

void RegistrationCache::clear() {
  for (const Entry& entry : entries_) {
    if (const auto range = entry.range.lock()) range->registration.reset();
  }
  entries_.clear();
}

std::size_t RegistrationCache::count() {
  forget_ended();
  return entries_.size();
}

std::size_t RegistrationCache::bytes() {
  std::size_t sum = 0;
  for (const Entry& entry : entries_) {
    if (const auto range = entry.range.lock()) sum += range->bytes;
  }
  return sum;
}

}  // namespace motet::registered
