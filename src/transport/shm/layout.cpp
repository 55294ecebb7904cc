#include "transport/shm/layout.hpp"

#include <fmt/format.h>

#include <bit>

namespace motet::shm {
namespace {

// Parts that are given back to the system on their own begin on pages; 64 KiB is the largest page
// of any Linux machine.
constexpr std::size_t page = std::size_t{64} << 10;
constexpr std::size_t small_page = 4096;

constexpr std::size_t up_to(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

constexpr std::uint32_t most_lines = 1U << 16;
constexpr std::uint32_t most_ring_bytes = 1U << 26;
constexpr std::uint32_t most_overflow = 1U << 16;

}  // namespace

std::string problem_with(const Sizes& sizes) {
  if (!std::has_single_bit(sizes.ring_lines) || sizes.ring_lines > most_lines) {
    return fmt::format("ring_lines is {}, not a power of two up to {}", sizes.ring_lines,
                       most_lines);
  }
  if (sizes.ring_bytes < 2 * cache_line || sizes.ring_bytes > most_ring_bytes ||
      sizes.ring_bytes % cache_line != 0) {
    return fmt::format("ring_bytes is {}, not a multiple of {} from {} to {}", sizes.ring_bytes,
                       cache_line, 2 * cache_line, most_ring_bytes);
  }
  if (sizes.slots < 1 || sizes.slots > units) {
    return fmt::format("slots is {}, not 1 to {}", sizes.slots, units);
  }
  if (sizes.overflow_slots > most_overflow) {
    return fmt::format("overflow_slots is {}, above {}", sizes.overflow_slots, most_overflow);
  }
  if (sizes.block_bytes < 1 || sizes.block_bytes > longest_block) {
    return fmt::format("block_bytes is {}, not 1 to {}", sizes.block_bytes, longest_block);
  }
  return "";
}

Layout::Layout(const Sizes& sizes)
    : sizes_(sizes),
      block_stride_(up_to(sizes.block_bytes, small_page)),
      unit_bytes_(static_cast<std::uint32_t>(
          up_to(up_to(block_stride_, units / sizes.slots) / (units / sizes.slots), cache_line))),
      peers_(page),
      peer_bytes_(
          up_to(sizeof(PeerWords) + sizes.ring_lines * sizeof(Line) + sizes.ring_bytes, page)),
      readers_(peers_ + max_peers * peer_bytes_),
      soft_(up_to(readers_ + total_slots() * sizeof(SlotReaders), page)),
      overflow_(up_to(soft_ + units * std::size_t{unit_bytes_}, page)) {
  static_assert(sizeof(EngineWords) <= page);
}

}  // namespace motet::shm
