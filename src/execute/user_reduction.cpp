#include "execute/user_reduction.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace motet {
namespace {

constexpr std::size_t most_alignment = 16;
constexpr std::size_t piece_bytes = 4096;  // three of them stay in the nearest cache
static_assert(piece_bytes >= max_user_element_bytes);

struct alignas(most_alignment) Piece {
  std::array<std::byte, piece_bytes> bytes;
};

void combine_by_pieces(const UserReduction& reduction, std::byte* out, const std::byte* a,
                       const std::byte* b, std::size_t bytes) {
  const std::size_t most = piece_bytes / reduction.element_bytes * reduction.element_bytes;
  Piece first, second, result;
  for (std::size_t at = 0; at < bytes; at += most) {
    const std::size_t now = std::min(most, bytes - at);
    std::memcpy(first.bytes.data(), a + at, now);
    std::memcpy(second.bytes.data(), b + at, now);
    reduction.call(reduction, result.bytes.data(), first.bytes.data(), second.bytes.data(),
                   now / reduction.element_bytes);
    std::memcpy(out + at, result.bytes.data(), now);
  }
}

}  // namespace

void UserReduction::combine(void* out, const void* a, const void* b, std::size_t count) const {
  const std::size_t alignment =
      std::min(most_alignment, element_bytes & (~element_bytes + 1));  // its lowest bit
  const auto address = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at); };
  const bool is_aligned = ((address(out) | address(a) | address(b)) & (alignment - 1)) == 0;
  if (is_aligned) return call(*this, out, a, b, count);
  combine_by_pieces(*this, static_cast<std::byte*>(out), static_cast<const std::byte*>(a),
                    static_cast<const std::byte*>(b), count * element_bytes);
}

}  // namespace motet
