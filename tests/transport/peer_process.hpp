// What a test and the process it will kill agree on.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace motet::test {

// Sizes of the blocks the process sends on stream 1.
inline std::size_t peer_block_bytes(std::uint32_t index) {
  return index % 4 == 0 ? 60'000 : std::size_t{index} * 7;
}

template <std::size_t bytes>
std::string hex(const std::array<std::uint8_t, bytes>& value) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : value) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

template <std::size_t bytes>
std::array<std::uint8_t, bytes> unhex(const std::string& text) {
  std::array<std::uint8_t, bytes> value{};
  for (std::size_t i = 0; i < bytes; ++i) {
    value[i] = static_cast<std::uint8_t>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
  }
  return value;
}

}  // namespace motet::test
