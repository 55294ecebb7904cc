// What a test and the process it will kill agree on.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

namespace motet::test {

// Sizes of the blocks the process sends on stream 1.
inline std::size_t peer_block_bytes(std::uint32_t index) {
  return index % 4 == 0 ? 60'000 : std::size_t{index} * 7;
}

// Bytes of any kind as one word.
template <class Bytes>
std::string hex(const Bytes& value) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : value) {
    text += digits[static_cast<std::uint8_t>(byte) >> 4];
    text += digits[static_cast<std::uint8_t>(byte) & 15];
  }
  return text;
}

// `Bytes` is long enough, or a string.
template <class Bytes>
Bytes unhex(const std::string& text) {
  Bytes value{};
  if constexpr (std::is_same_v<Bytes, std::string>) value.resize(text.size() / 2);
  for (std::size_t i = 0; 2 * i + 1 < text.size(); ++i) {
    value.at(i) =
        static_cast<typename Bytes::value_type>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
  }
  return value;
}

}  // namespace motet::test
