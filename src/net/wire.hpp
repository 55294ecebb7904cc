// Bytes of control messages: little-endian numbers and length-prefixed texts. Nothing here is on a
// data path.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace motet {

class WireWriter {
 public:
  template <std::integral Number>
  WireWriter& number(Number value) {
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Number); ++i, bits >>= 8) {
      bytes_.push_back(static_cast<char>(bits & 0xff));
    }
    return *this;
  }
  WireWriter& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what a WireWriter wrote, from somebody who may lie: what is not there reads as zero and
// empty, and good() is false from then on. Texts are views into the bytes.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <std::integral Number>
  Number number() {
    std::uint64_t bits = 0;
    const std::string_view raw = take(sizeof(Number));
    for (std::size_t i = raw.size(); i > 0; --i) {
      bits = bits << 8 | static_cast<std::uint8_t>(raw[i - 1]);
    }
    return static_cast<Number>(bits);
  }
  // One byte, 0 or 1: any other is refused, so that what was read is written as it came.
  bool flag() {
    const auto byte = number<std::uint8_t>();
    good_ = good_ && byte <= 1;
    return byte == 1;
  }
  std::string_view text() { return take(number<std::uint32_t>()); }
  std::string_view rest() { return take(rest_.size()); }

  bool good() const { return good_; }
  // Nothing is missing and nothing is left over.
  bool complete() const { return good_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      good_ = false;
      rest_ = {};
    }
    const std::string_view taken = rest_.substr(0, good_ ? bytes : 0);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace motet
