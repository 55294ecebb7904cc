#include "transport/shm/reached_regions.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"

namespace motet::shm {
namespace {

// Regions are few and large; a peer that announces more than this is broken.
constexpr std::size_t most_regions = 4096;

bool holds(int descriptor, std::uint64_t offset, std::uint64_t bytes) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || status.st_size < 0) return false;
  const auto length = static_cast<std::uint64_t>(status.st_size);
  return bytes > 0 && offset <= length && bytes <= length - offset;
}

}  // namespace

ReachedRegions::~ReachedRegions() {
  for (const Mapped& region : mapped_) munmap(region.base, region.length);
}

void ReachedRegions::add(const Received& received) {
  const Message& message = received.message;
  const int memory = received.descriptors[0].get();
  if (mapped_.size() == most_regions || !holds(memory, message.offset, message.bytes)) return;
  const std::uint64_t before = message.offset % static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::size_t length = before + message.bytes;
  void* const base = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                          static_cast<off_t>(message.offset - before));
  if (base == MAP_FAILED) {
    log(LogLevel::warning, "transport=shm event=\"a peer's memory cannot be mapped\"");
    return;
  }
  madvise(base, length, MADV_DONTFORK);
  mapped_.push_back({.id = message.region,
                     .base = static_cast<std::byte*>(base),
                     .length = length,
                     .before = before,
                     .bytes = message.bytes});
}

void ReachedRegions::forget(std::uint64_t id) {
  const auto found = std::find_if(mapped_.begin(), mapped_.end(),
                                  [id](const Mapped& region) { return region.id == id; });
  if (found == mapped_.end()) return;
  munmap(found->base, found->length);
  mapped_.erase(found);
}

std::byte* ReachedRegions::at(const Location& location, std::size_t bytes) {
  if (last_ >= mapped_.size() || mapped_[last_].id != location.region) {
    const auto found = std::find_if(mapped_.begin(), mapped_.end(), [&](const Mapped& region) {
      return region.id == location.region;
    });
    if (found == mapped_.end()) return nullptr;
    last_ = static_cast<std::size_t>(found - mapped_.begin());
  }
  const Mapped& region = mapped_[last_];
  if (location.offset > region.bytes || bytes > region.bytes - location.offset) return nullptr;
  return region.base + region.before + location.offset;
}

}  // namespace motet::shm
