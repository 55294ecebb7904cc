#include "transport/flow/window.hpp"

#include <utility>

namespace motet::flow {

namespace {
constexpr std::size_t first_capacity =
    256;  // 2 KiB; holds what max_credits leaves unsaid twice over
}

Window::Window() : entries_(first_capacity) {}

std::size_t Window::home(std::uint32_t stream) const {
  // Fibonacci hashing: neighbouring ids, the usual case, spread over the whole table.
  const std::uint64_t mixed = stream * std::uint64_t{0x9e3779b97f4a7c15};
  return (mixed >> 32) & (entries_.size() - 1);
}

std::size_t Window::find(std::uint32_t stream) const {
  std::size_t at = home(stream);
  while (entries_[at].blocks != 0 && entries_[at].stream != stream) {
    at = (at + 1) & (entries_.size() - 1);
  }
  return at;
}

bool Window::open(std::uint32_t stream) {
  std::size_t at = find(stream);
  if (entries_[at].blocks == window_blocks) return false;
  if (entries_[at].blocks == 0) {
    if (2 * (used_ + 1) > entries_.size()) {
      grow();
      at = find(stream);
    }
    entries_[at].stream = stream;
    ++used_;
  }
  ++entries_[at].blocks;
  return true;
}

bool Window::close(const Credit& credit) {
  if (credit.blocks == 0) return true;
  const std::size_t at = find(credit.stream);
  if (entries_[at].blocks < credit.blocks) return false;
  entries_[at].blocks -= credit.blocks;
  if (entries_[at].blocks == 0) remove(at);
  return true;
}

void Window::grow() {
  std::vector<Entry> old(2 * entries_.size());
  std::swap(old, entries_);
  for (const Entry& entry : old) {
    if (entry.blocks != 0) entries_[find(entry.stream)] = entry;
  }
}

// Moves later entries of the same run back, so that find() never meets a hole.
void Window::remove(std::size_t at) {
  --used_;
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t next = (at + 1) & mask; entries_[next].blocks != 0; next = (next + 1) & mask) {
    const std::size_t wanted = home(entries_[next].stream);
    if (((next - wanted) & mask) < ((next - at) & mask)) continue;
    entries_[at] = entries_[next];
    at = next;
  }
  entries_[at] = Entry{};
}

}  // namespace motet::flow
