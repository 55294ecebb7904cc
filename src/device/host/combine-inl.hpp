// The reductions themselves, on one vector. Compiled once per instruction set, see lanes-inl.hpp.
#if defined(MOTET_DEVICE_HOST_COMBINE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MOTET_DEVICE_HOST_COMBINE_INL
#undef MOTET_DEVICE_HOST_COMBINE_INL
#else
#define MOTET_DEVICE_HOST_COMBINE_INL
#endif

#include <cstdint>

#include "device/host/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace motet::HWY_NAMESPACE {

template <class D>
inline constexpr bool is_float = hwy::IsFloat<hn::TFromD<D>>();

// Unsigned product modulo 2^bits, of any width: Highway 1.0 has 16 and 32 bits everywhere, but not
// 8 and 64.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V wrapping_product(D d, V a, V b) {
  using T = hn::TFromD<D>;
  if constexpr (hn::MaxLanes(d) == 1) {
    const auto product = static_cast<std::uint64_t>(hn::GetLane(a)) * hn::GetLane(b);
    return hn::Set(d, static_cast<T>(product));
  } else if constexpr (sizeof(T) == 1) {
    const hn::RepartitionToWide<D> wide;
    const auto a2 = hn::BitCast(wide, a);
    const auto b2 = hn::BitCast(wide, b);
    const auto even = hn::Mul(a2, b2);
    const auto odd = hn::ShiftLeft<8>(hn::Mul(hn::ShiftRight<8>(a2), hn::ShiftRight<8>(b2)));
    return hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, even));
  } else if constexpr (sizeof(T) == 8) {
    const hn::RepartitionToNarrow<D> narrow;
    const auto low_a = hn::BitCast(narrow, a);
    const auto low_b = hn::BitCast(narrow, b);
    const auto high_a = hn::BitCast(narrow, hn::ShiftRight<32>(a));
    const auto high_b = hn::BitCast(narrow, hn::ShiftRight<32>(b));
    const auto cross = hn::Add(hn::MulEven(high_a, low_b), hn::MulEven(low_a, high_b));
    return hn::Add(hn::MulEven(low_a, low_b), hn::ShiftLeft<32>(cross));
  } else {
    return hn::Mul(a, b);
  }
}

struct Sum {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (is_float<D>) {
      return canonical_nan(d, hn::Add(a, b));
    } else {
      return hn::Add(a, b);
    }
  }
};

struct Product {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (is_float<D>) {
      return canonical_nan(d, hn::Mul(a, b));
    } else {
      return wrapping_product(d, a, b);
    }
  }
};

// What min and max of floats share: `picked` is b wherever the two do not compare, so only a's NaN
// can be lost; equal values have equal bits unless they are zeros, whose signs `equal` has
// combined.
template <class D, class V>
HWY_INLINE V settle(D d, V a, V b, V picked, V equal) {
  const V nan = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
  const V settled = hn::IfThenElse(hn::Eq(a, b), equal, picked);
  return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(picked)), nan, settled);
}

struct Minimum {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (is_float<D>) {
      return settle(d, a, b, hn::IfThenElse(hn::Lt(a, b), a, b), hn::Or(a, b));
    } else {
      return hn::Min(a, b);
    }
  }
};

struct Maximum {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (is_float<D>) {
      return settle(d, a, b, hn::IfThenElse(hn::Gt(a, b), a, b), hn::And(a, b));
    } else {
      return hn::Max(a, b);
    }
  }
};

// By a number that is the same for all.
struct Division {
  int divisor;

  template <class D, class V>
  HWY_INLINE V operator()(D d, V v) const {
    return canonical_nan(d, hn::Div(v, hn::Set(d, static_cast<hn::TFromD<D>>(divisor))));
  }
};

struct Multiplication {
  double factor;

  template <class D, class V>
  HWY_INLINE V operator()(D d, V v) const {
    return canonical_nan(d, hn::Mul(v, hn::Set(d, static_cast<hn::TFromD<D>>(factor))));
  }
};

struct And {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V a, V b) const {
    return hn::And(a, b);
  }
};

struct Or {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V a, V b) const {
    return hn::Or(a, b);
  }
};

struct Xor {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V a, V b) const {
    return hn::Xor(a, b);
  }
};

}  // namespace motet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
