// How a message tells its length where its two ends alone know it: in the fingerprint of its
// blocks, so that a receiver that expects another length takes none of it and can say what was
// sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace motet {

// What the length of a message adds to the fingerprint of its call: the length itself below 2^31
// elements, beyond them a digest with the highest bit set.
inline constexpr std::uint32_t most_told = UINT32_C(1) << 31;
constexpr std::uint32_t length_code(std::size_t count) {
  if (count < most_told) return static_cast<std::uint32_t>(count);
  const std::uint64_t spread = std::uint64_t{count} * 0x9e3779b97f4a7c15U;  // golden ratio
  return most_told | static_cast<std::uint32_t>(spread >> 33);
}

// The length behind the code; none of those beyond.
constexpr std::optional<std::size_t> length_from(std::uint32_t code) {
  return code < most_told ? std::optional<std::size_t>(code) : std::nullopt;
}

}  // namespace motet
