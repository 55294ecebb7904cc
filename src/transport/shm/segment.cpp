#include "transport/shm/segment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "net/own.hpp"

namespace motet::shm {
namespace {

// The segments of this process's engines, by engine. Never destroyed: engines may outlive static
// objects.
struct Registry {
  std::mutex mutex;  // guards segments
  std::map<Identity, std::weak_ptr<Segment>> segments;
};

Registry& registry() {
  static auto* const the_registry = new Registry;
  return *the_registry;
}

constexpr int length_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::size_t length(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

// Beyond this limit the system would not fail but kill.
void check_file_limit(std::size_t bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      bytes <= limit.rlim_cur)
    return;
  throw Error(
      ErrorCode::unavailable,
      fmt::format("shm: {} bytes of shared memory: the limit on file sizes (ulimit -f) is {}",
                  bytes, limit.rlim_cur));
}

}  // namespace

Descriptor make_memory(const char* name, std::size_t bytes) {
  check_file_limit(bytes);
  Descriptor memory = own(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) throw system_error("shm: memfd_create", errno);
  if (ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) {
    throw system_error("shm: set the length of shared memory", errno);
  }
  if (fcntl(memory.get(), F_ADD_SEALS, length_seals) != 0) {
    throw system_error("shm: seal shared memory", errno);
  }
  return memory;
}

bool is_sealed(int descriptor) {
  const int seals = fcntl(descriptor, F_GET_SEALS);
  return seals >= 0 && (seals & length_seals) == length_seals;
}

Segment::Segment(Descriptor memory, const Sizes& sizes)
    : layout_(sizes), memory_(std::move(memory)) {
  void* const base = mmap(nullptr, layout_.bytes(), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_NORESERVE, memory_.get(), 0);
  if (base == MAP_FAILED) throw system_error("shm: map a segment", errno);
  base_ = static_cast<std::byte*>(base);
  madvise(base_, layout_.bytes(), MADV_DONTFORK);
  madvise(base_, layout_.bytes(), MADV_DONTDUMP);
}

Segment::~Segment() {
  if (owner_) {
    const std::scoped_lock lock(registry().mutex);
    registry().segments.erase(*owner_);
  }
  munmap(base_, layout_.bytes());
}

std::shared_ptr<Segment> Segment::create(const Sizes& sizes, const Identity& owner) {
  if (const std::string problem = problem_with(sizes); !problem.empty()) {
    throw Error(ErrorCode::invalid_argument, "shm: " + problem);
  }
  Descriptor memory = make_memory("motet", Layout(sizes).bytes());
  std::shared_ptr<Segment> segment(new Segment(std::move(memory), sizes));
  const std::scoped_lock lock(registry().mutex);
  if (registry().segments.emplace(owner, segment).second) segment->owner_ = owner;
  return segment;
}

std::shared_ptr<Segment> Segment::attach(Descriptor memory, const Sizes& sizes) {
  if (const std::string problem = problem_with(sizes); !problem.empty()) {
    throw Error(ErrorCode::invalid_argument, "shm: the peer's " + problem);
  }
  if (!is_sealed(memory.get()) || length(memory.get()) != Layout(sizes).bytes()) {
    throw Error(ErrorCode::invalid_argument, "shm: the peer's segment is not what it says");
  }
  return std::shared_ptr<Segment>(new Segment(std::move(memory), sizes));
}

std::shared_ptr<Segment> Segment::of_this_process(const Identity& owner) {
  const std::scoped_lock lock(registry().mutex);
  const auto found = registry().segments.find(owner);
  return found == registry().segments.end() ? nullptr : found->second.lock();
}

void Segment::clear_peer(std::uint32_t index) noexcept {
  std::byte* const begin = base_ + layout_.peer(index);
  if (madvise(begin, layout_.peer_bytes(), MADV_REMOVE) == 0) return;
  std::memset(begin, 0, layout_.peer_bytes());
}

void Segment::drop_blocks(std::size_t first, std::size_t end) noexcept {
  // Fails where the blocks are not whole pages, or the system cannot; then the memory stays until
  // the end.
  madvise(block(first), layout_.block(end) - layout_.block(first), MADV_REMOVE);
}

}  // namespace motet::shm
