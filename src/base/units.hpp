// Quantities whose unit is their type.
#pragma once

#include <chrono>
#include <compare>

namespace motet {

using Seconds = std::chrono::duration<double>;

constexpr Seconds microseconds(double count) {
  return Seconds(count * 1e-6);
}

// Of a link or a processor, in one direction.
struct Bandwidth {
  double bytes_per_second = 0;

  static constexpr Bandwidth gigabytes(double per_second) { return {per_second * 1e9}; }
  constexpr double gigabytes_per_second() const { return bytes_per_second * 1e-9; }
  constexpr Seconds time(double bytes) const { return Seconds(bytes / bytes_per_second); }
  // NOLINTNEXTLINE(modernize-use-nullptr): the compiler's own comparison with 0
  auto operator<=>(const Bandwidth&) const = default;
};

}  // namespace motet
