#include "net/descriptor.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/assert.hpp"

namespace motet {
namespace {

// Which descriptors are ours, one bit each: a fixed table, because the fork handler may only use
// what is async-signal-safe. Static memory: untouched pages cost nothing. Descriptors above it
// (more than a million open files) are not closed in children.
constexpr std::size_t bits_per_word = 64;
constexpr std::size_t words = (std::size_t{1} << 20) / bits_per_word;
std::array<std::atomic<std::uint64_t>, words> registered{};
std::atomic<std::size_t> used_words{0};  // the fork handler looks no further

std::uint64_t bit_of(int fd) {
  return std::uint64_t{1} << (static_cast<unsigned>(fd) % bits_per_word);
}
std::size_t word_of(int fd) {
  return static_cast<std::size_t>(fd) / bits_per_word;
}

// Sequentially consistent throughout: descriptors are never opened on a hot path.
void remember(int fd) {
  const std::size_t word = word_of(fd);
  if (word >= words) return;
  registered[word].fetch_or(bit_of(fd));
  std::size_t seen = used_words.load();
  while (seen < word + 1 && !used_words.compare_exchange_weak(seen, word + 1)) {
  }
}

// False: the fork handler has closed it already, and the number may belong to somebody else by now.
bool forget(int fd) {
  const std::size_t word = word_of(fd);
  if (word >= words) return true;
  return (registered[word].fetch_and(~bit_of(fd)) & bit_of(fd)) != 0;
}

// A child forked in the few instructions between opening a descriptor and remembering it keeps that
// one.
void close_everything_in_child() {
  forked_child.store(true);
  const std::size_t last = used_words.load();
  for (std::size_t word = 0; word < last; ++word) {
    std::uint64_t bits = registered[word].exchange(0);
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::size_t>(__builtin_ctzll(bits));
      ::close(static_cast<int>(word * bits_per_word + bit));
    }
  }
}

}  // namespace

Descriptor::Descriptor(int fd) : fd_(fd) {
  MOTET_ASSERT(fd >= 0, "a descriptor that could not be opened must not be owned");
  guard_against_fork();
  remember(fd);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::reset() noexcept {
  const int fd = std::exchange(fd_, -1);
  // Forgotten before it is closed: the other way round the child could close a stranger with the
  // same number.
  if (fd >= 0 && forget(fd)) ::close(fd);
}

void guard_against_fork() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, close_everything_in_child); });
}

}  // namespace motet
