#include "reference.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace motet {
namespace {

struct FloatFormat {
  int mantissa_bits, smallest_exponent;  // of a normal number
  int sign_bit() const { return mantissa_bits + (smallest_exponent == -14 ? 5 : 8); }
  Bits infinity() const { return (Bits{1} << sign_bit()) - (Bits{1} << mantissa_bits); }
  Bits nan() const { return infinity() | (Bits{1} << (mantissa_bits - 1)); }
};

FloatFormat format(DataType type) {
  if (type == DataType::float16) return {.mantissa_bits = 10, .smallest_exponent = -14};
  if (type == DataType::bfloat16) return {.mantissa_bits = 7, .smallest_exponent = -126};
  return {.mantissa_bits = 23, .smallest_exponent = -126};
}

double decode(DataType type, Bits bits) {
  if (type == DataType::float64) return std::bit_cast<double>(bits);
  const FloatFormat f = format(type);
  const double sign = (bits >> f.sign_bit()) != 0 ? -1.0 : 1.0;
  const Bits magnitude = bits & ((Bits{1} << f.sign_bit()) - 1);
  if (magnitude > f.infinity()) return std::numeric_limits<double>::quiet_NaN();
  if (magnitude == f.infinity()) return sign * std::numeric_limits<double>::infinity();
  const Bits exponent = magnitude >> f.mantissa_bits;
  Bits mantissa = magnitude & ((Bits{1} << f.mantissa_bits) - 1);
  if (exponent > 0) mantissa |= Bits{1} << f.mantissa_bits;
  const int shift =
      f.smallest_exponent - f.mantissa_bits + (exponent > 0 ? static_cast<int>(exponent) - 1 : 0);
  return sign * std::ldexp(static_cast<double>(mantissa), shift);
}

// Rounds to nearest even (nearbyint does, in the default mode).
Bits encode(DataType type, double value) {
  if (type == DataType::float64) {
    return std::bit_cast<Bits>(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
                                                 : value);
  }
  const FloatFormat f = format(type);
  if (std::isnan(value)) return f.nan();
  const Bits sign = std::signbit(value) ? Bits{1} << f.sign_bit() : 0;
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return sign;
  if (std::isinf(value)) return sign | f.infinity();
  const int exponent = std::max(std::ilogb(magnitude), f.smallest_exponent);
  const auto mantissa =
      static_cast<Bits>(std::nearbyint(std::ldexp(magnitude, f.mantissa_bits - exponent)));
  const Bits bits =
      (static_cast<Bits>(exponent - f.smallest_exponent) << f.mantissa_bits) + mantissa;
  return sign | std::min(bits, f.infinity());
}

template <class T>
T floating(ReduceOp op, T a, T b) {
  const bool lowest = op == ReduceOp::min;
  if (op == ReduceOp::sum || op == ReduceOp::avg || op == ReduceOp::premul_sum) return a + b;
  if (op == ReduceOp::prod) return a * b;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) == lowest ? a : b;
  return (a < b) == lowest ? a : b;
}

Bits reduce_floats(DataType type, ReduceOp op, Bits a, Bits b) {
  const double x = decode(type, a);
  const double y = decode(type, b);
  if (type == DataType::float64) return encode(type, floating(op, x, y));
  return encode(type,
                static_cast<double>(floating(op, static_cast<float>(x), static_cast<float>(y))));
}

bool is_signed(DataType type) {
  return type <= DataType::int64;
}

std::int64_t sign_extended(DataType type, Bits value) {
  const auto unused = static_cast<int>(64 - 8 * element_bytes(type));
  return static_cast<std::int64_t>(value << unused) >> unused;
}

bool less(DataType type, Bits a, Bits b) {
  return is_signed(type) ? sign_extended(type, a) < sign_extended(type, b) : a < b;
}

Bits masked(DataType type, Bits value) {
  const std::size_t bits = 8 * element_bytes(type);
  return bits == 64 ? value : value & ((Bits{1} << bits) - 1);
}

bool is_float(DataType type) {
  return type >= DataType::float16;
}

}  // namespace

Bits reference_reduce(DataType type, ReduceOp op, Bits a, Bits b) {
  if (is_float(type)) return reduce_floats(type, op, a, b);
  switch (op) {
    case ReduceOp::sum:
    case ReduceOp::avg:
      return masked(type, a + b);
    case ReduceOp::prod:
      return masked(type, a * b);
    case ReduceOp::min:
      return less(type, a, b) ? a : b;
    case ReduceOp::max:
      return less(type, a, b) ? b : a;
    case ReduceOp::bit_and:
      return a & b;
    case ReduceOp::bit_or:
      return a | b;
    case ReduceOp::bit_xor:
      return a ^ b;
    case ReduceOp::premul_sum:
    case ReduceOp::user:
      break;
  }
  return 0;
}

Bits reference_divide(DataType type, Bits value, int divisor) {
  if (type == DataType::float64) return encode(type, decode(type, value) / divisor);
  if (is_float(type)) {
    const float quotient = static_cast<float>(decode(type, value)) / static_cast<float>(divisor);
    return encode(type, static_cast<double>(quotient));
  }
  if (!is_signed(type)) return value / static_cast<Bits>(divisor);
  return masked(type, static_cast<Bits>(sign_extended(type, value) / divisor));
}

Bits reference_multiply(DataType type, Bits value, double factor) {
  if (type == DataType::float64) return encode(type, decode(type, value) * factor);
  const float product = static_cast<float>(decode(type, value)) * static_cast<float>(factor);
  return encode(type, static_cast<double>(product));
}

}  // namespace motet
