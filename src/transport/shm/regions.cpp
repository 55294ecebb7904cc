#include "transport/shm/regions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "net/own.hpp"
#include "transport/shm/memory_map.hpp"
#include "transport/shm/segment.hpp"

namespace motet::shm {
namespace {

// No object is longer; sums of such lengths do not overflow.
constexpr auto most_bytes = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

std::size_t page_bytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t whole_pages(std::size_t bytes) {
  const std::size_t page = page_bytes();
  return std::max(page, (bytes + page - 1) / page * page);
}

std::byte* map(int memory, std::size_t bytes) {
  void* const address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (address == MAP_FAILED) throw system_error("shm: map shared memory", errno);
  return static_cast<std::byte*>(address);
}

// Fresh pages for all pages that the region touches. Not by the function mremap(): libraries
// that watch memory (UCX's hooks) drop its last argument.
void replace_pages(Region& region) {
  const std::size_t before = reinterpret_cast<std::uintptr_t>(region.address) % page_bytes();
  std::byte* const begin = region.address - before;
  const std::size_t bytes = whole_pages(before + region.bytes);
  Descriptor memory = make_memory("motet-memory", bytes);
  std::byte* const fresh = map(memory.get(), bytes);
  std::memcpy(fresh, begin, bytes);
  if (syscall(SYS_mremap, fresh, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, begin) == -1) {
    const int error = errno;
    munmap(fresh, bytes);
    throw system_error("shm: give memory fresh pages", error);
  }
  region.memory = std::move(memory);
  region.offset = before;
}

}  // namespace

Regions::~Regions() {
  for (const Region& region : regions_) {
    if (region.allocated) munmap(region.address, region.bytes);
  }
}

void* Regions::allocate(std::size_t bytes) {
  if (bytes > most_bytes) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("shm: allocate memory: {} bytes do not fit into memory", bytes));
  }
  const std::size_t length = whole_pages(bytes);
  Descriptor memory = make_memory("motet-memory", length);
  std::byte* const address = map(memory.get(), length);
  insert({.address = address, .bytes = length, .memory = std::move(memory), .allocated = true});
  return address;
}

void Regions::add(void* address, std::size_t bytes, int descriptor, std::uint64_t offset) {
  if (address == nullptr || bytes == 0) {
    throw Error(ErrorCode::invalid_argument, "shm: register memory: it is empty");
  }
  if (bytes > most_bytes || !maps(address, bytes, descriptor, offset)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("shm: register memory: {} bytes at {} are not a shared mapping of "
                            "descriptor {} from offset {}",
                            bytes, address, descriptor, offset));
  }
  Descriptor memory = own(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!memory) throw system_error("shm: register memory: duplicate its descriptor", errno);
  insert({.address = static_cast<std::byte*>(address),
          .bytes = bytes,
          .memory = std::move(memory),
          .offset = offset});
}

void Regions::insert(Region region) {
  const auto after =
      std::upper_bound(regions_.begin(), regions_.end(), region.address,
                       [](const std::byte* at, const Region& other) { return at < other.address; });
  const bool hits_next = after != regions_.end() && after->address < region.address + region.bytes;
  const bool hits_previous =
      after != regions_.begin() && (after - 1)->address + (after - 1)->bytes > region.address;
  if (hits_next || hits_previous) {
    throw Error(ErrorCode::invalid_argument,
                "shm: register memory: part of it is registered already");
  }
  region.id = next_id_++;
  regions_.insert(after, std::move(region));
}

Region Regions::take(void* address, bool allocated) {
  const auto found = std::find_if(regions_.begin(), regions_.end(), [&](const Region& region) {
    return region.address == address && region.allocated == allocated;
  });
  if (found == regions_.end()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("shm: {} memory: nothing begins at {}",
                            allocated ? "free" : "unregister", address));
  }
  Region taken = std::move(*found);
  regions_.erase(found);
  return taken;
}

std::uint64_t Regions::free(void* address) {
  const Region region = take(address, true);
  munmap(region.address, region.bytes);
  return region.id;
}

std::uint64_t Regions::remove(void* address) {
  return take(address, false).id;
}

const Region* Regions::search(const std::byte* data, std::size_t bytes) {
  const auto after =
      std::upper_bound(regions_.begin(), regions_.end(), data,
                       [](const std::byte* at, const Region& other) { return at < other.address; });
  if (after == regions_.begin() || !(after - 1)->contains(data, bytes)) return nullptr;
  last_ = static_cast<std::size_t>(after - 1 - regions_.begin());
  return &regions_[last_];
}

std::vector<std::uint64_t> Regions::cut_off() {
  std::vector<std::uint64_t> ended;
  for (Region& region : regions_) {
    replace_pages(region);
    ended.push_back(region.id);
    region.id = next_id_++;
  }
  return ended;
}

}  // namespace motet::shm
