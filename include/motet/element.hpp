// What Motet combines and moves, as C++ types: the integers, float, double, and the two 16-bit
// floats below.
#pragma once

#include <motet/motet.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <ranges>
#include <type_traits>

namespace motet {
inline namespace api {

// IEEE binary16. Conversion from float rounds to nearest even; beyond the range it gives infinity.
// Named as the built-in types are. NOLINTNEXTLINE(readability-identifier-naming)
struct float16 {
  std::uint16_t bits = 0;

  float16() = default;
  explicit float16(float value) noexcept;
  explicit operator float() const noexcept;
  friend bool operator==(float16, float16) = default;  // of the bits
};

// The upper half of a float32. Conversion from float rounds to nearest even.
// NOLINTNEXTLINE(readability-identifier-naming)
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  explicit bfloat16(float value) noexcept;
  explicit operator float() const noexcept;
  friend bool operator==(bfloat16, bfloat16) = default;  // of the bits
};

namespace detail {
template <class T>
constexpr int type_number() {
  if constexpr (std::same_as<T, float16>) return motet_float16;
  if constexpr (std::same_as<T, bfloat16>) return motet_bfloat16;
  if constexpr (std::same_as<T, float>) return motet_float32;
  if constexpr (std::same_as<T, double>) return motet_float64;
  if constexpr (std::integral<T> && !std::same_as<T, bool> && sizeof(T) <= 8) {
    constexpr int first = std::is_signed_v<T> ? motet_int8 : motet_uint8;
    return first + std::countr_zero(sizeof(T));
  }
  return -1;
}
}  // namespace detail

// What can be combined: integers of 1 to 8 bytes, float, double, float16, bfloat16.
template <class T>
concept Element = (detail::type_number<std::remove_cv_t<T>>() >= 0);

template <Element T>
inline constexpr motet_type type_of =
    static_cast<motet_type>(detail::type_number<std::remove_cv_t<T>>());

// A contiguous range of elements: std::vector, std::array, std::span, ...
template <class Range>
concept Elements = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
    Element<std::remove_reference_t<std::ranges::range_reference_t<Range>>>;

// ... that can be written to.
template <class Range>
concept WritableElements = Elements<Range> &&
    !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Range>>>;

template <class A, class B>
concept SameElements = std::same_as<std::ranges::range_value_t<A>, std::ranges::range_value_t<B>>;

inline bfloat16::bfloat16(float value) noexcept {
  const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
  const bool nan = (word & 0x7fffffffU) > 0x7f800000U;
  // A NaN's set bits may all be in the half that is dropped; it must not become an infinity.
  const std::uint32_t rounded = nan ? word | 0x400000U : word + 0x7fffU + (word >> 16 & 1U);
  bits = static_cast<std::uint16_t>(rounded >> 16);
}

inline bfloat16::operator float() const noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

inline float16::float16(float value) noexcept {
  const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = word >> 16 & 0x8000U;
  const std::uint32_t magnitude = word & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U;
  } else if (magnitude >= 0x477ff000U) {  // 65520: half way between the largest and infinity
    half = 0x7c00U;
  } else if (magnitude >= 0x38800000U) {  // 2^-14, the smallest normal
    half = (magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13;
  } else {
    // Adding 0.5 lets the FPU round: the sum's last bits are the subnormal's, in units of 2^-24.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  }
  bits = static_cast<std::uint16_t>(sign | half);
}

inline float16::operator float() const noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t magnitude = bits & 0x7fffU;
  std::uint32_t word = 0;
  if (magnitude >= 0x7c00U) {
    word = 0x7f800000U | (magnitude & 0x3ffU) << 13;
  } else if (magnitude >= 0x400U) {
    word = (magnitude << 13) + 0x38000000U;
  } else {  // subnormal: a multiple of 2^-24
    word = std::bit_cast<std::uint32_t>(static_cast<float>(magnitude) * 0x1p-24F);
  }
  return std::bit_cast<float>(sign | word);
}

}  // namespace api
}  // namespace motet
