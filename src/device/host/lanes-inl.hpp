// How each element type is loaded into vectors that can be computed with, and stored again.
// Compiled once per instruction set (hence the unusual include guard, as Highway wants it).
#if defined(MOTET_DEVICE_HOST_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MOTET_DEVICE_HOST_LANES_INL
#undef MOTET_DEVICE_HOST_LANES_INL
#else
#define MOTET_DEVICE_HOST_LANES_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace motet::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Two NaNs may meet in either order on different ranks, and hardware keeps one of the two payloads:
// one bit pattern for all makes the result the same everywhere.
template <class D, class V>
HWY_INLINE V canonical_nan(D d, V v) {
  const V nan = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
  return hn::IfThenElse(hn::IsNaN(v), nan, v);
}

// One element goes through memcpy: Highway's own functions dereference it, which may not be
// aligned.
template <class D, class T>
HWY_INLINE hn::VFromD<D> load(D d, const T* from) {
  if constexpr (hn::MaxLanes(d) == 1) {
    T one;
    hwy::CopyBytes<sizeof(T)>(from, &one);
    return hn::Set(d, one);
  } else {
    return hn::LoadU(d, from);
  }
}

template <class D, class T>
HWY_INLINE void store(hn::VFromD<D> v, D d, T* to) {
  if constexpr (hn::MaxLanes(d) == 1) {
    const T one = hn::GetLane(v);
    hwy::CopyBytes<sizeof(T)>(&one, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// Each element type below says how an operation, f(tag, vectors...), applies to vectors of its bits
// as they are stored.

// Computed with as it is.
template <class T>
struct Direct {
  using Stored = hwy::MakeUnsigned<T>;
  static constexpr std::size_t max_lanes = HWY_LANES(T);

  template <class F, class D, class... V>
  static HWY_INLINE hn::VFromD<D> apply(const F& f, D d, V... v) {
    const hn::Rebind<T, D> math;
    return hn::BitCast(d, f(math, hn::BitCast(math, v)...));
  }
};

// Highway's own conversions know infinities and rounding only where the hardware does them.
inline constexpr bool converts_half =
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
    false;
#elif HWY_ARCH_X86
    HWY_TARGET != HWY_SSSE3 && HWY_TARGET != HWY_SSE4;
#else
    true;
#endif

// float16 bits to float32 by shifting; exact. `bits` holds one float16 in each 32-bit lane.
template <class D32, class DF>
HWY_INLINE hn::VFromD<DF> widen_half(D32 d32, DF df, hn::VFromD<D32> bits) {
  const auto shifted = hn::ShiftLeft<13>(hn::And(bits, hn::Set(d32, 0x7FFFu)));
  const auto exponent = hn::And(shifted, hn::Set(d32, 0x7C00u << 13));
  const auto rebias = hn::Set(d32, (127u - 15u) << 23);
  const auto normal = hn::Add(shifted, rebias);
  // A subnormal becomes a normal number with exponent one, from which that one is subtracted
  // exactly.
  const auto one = hn::Set(d32, 1u << 23);
  const auto smallest = hn::BitCast(df, hn::Set(d32, 113u << 23));
  const auto subnormal = hn::BitCast(d32, hn::Sub(hn::BitCast(df, hn::Add(normal, one)), smallest));
  auto wide = hn::IfThenElse(hn::Eq(exponent, hn::Zero(d32)), subnormal, normal);
  const auto infinite = hn::Eq(exponent, hn::Set(d32, 0x7C00u << 13));
  wide = hn::IfThenElse(infinite, hn::Add(normal, rebias), wide);
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(d32, 0x8000u)));
  return hn::BitCast(df, hn::Or(wide, sign));
}

// float32 to float16 bits, rounded to nearest even; every NaN becomes the canonical one.
template <class D32, class DF>
HWY_INLINE hn::VFromD<D32> narrow_half(D32 d32, DF df, hn::VFromD<DF> v) {
  const hn::RebindToSigned<D32> signed32;
  const auto magnitude = hn::BitCast(d32, hn::Abs(v));
  const auto less =
      [&](auto bound)
          HWY_ATTR {  // magnitudes are below 2^31: the signed comparison, which all have
            return hn::MaskFromVec(hn::BitCast(
                d32,
                hn::VecFromMask(signed32, hn::Lt(hn::BitCast(signed32, magnitude),
                                                 hn::Set(signed32, static_cast<int32_t>(bound))))));
          };
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d32, 1u));
  // Half an ulp less one, plus one when odd: carries exactly when nearest-even rounds up, into
  // infinity too.
  const auto rebias = hn::Set(d32, (15u << 23) - (127u << 23) + 0xFFFu);
  const auto normal = hn::ShiftRight<13>(hn::Add(hn::Add(magnitude, rebias), odd));
  // Adding a number whose last bit is worth the smallest float16 lets the float32 adder do the
  // rounding.
  const auto aligner = hn::Set(d32, ((127u - 15u) + (23u - 10u) + 1u) << 23);
  const auto subnormal = hn::Sub(
      hn::BitCast(d32, hn::Add(hn::BitCast(df, magnitude), hn::BitCast(df, aligner))), aligner);
  auto half = hn::IfThenElse(less(113u << 23), subnormal, normal);
  const auto special =
      hn::IfThenElse(less((255u << 23) + 1), hn::Set(d32, 0x7C00u), hn::Set(d32, 0x7E00u));
  half = hn::IfThenElse(less((127u + 16u) << 23), half, special);
  const auto sign = hn::ShiftRight<16>(hn::And(hn::BitCast(d32, v), hn::Set(d32, 0x80000000u)));
  return hn::Or(half, hn::IfThenElse(less((255u << 23) + 1), sign, hn::Zero(d32)));
}

// Computed with in float32, so a vector of half the length.
struct Float16 {
  using Stored = std::uint16_t;
  static constexpr std::size_t max_lanes = HWY_LANES(float);

  template <class F, class D, class... V>
  static HWY_INLINE hn::VFromD<D> apply(const F& f, D d, V... v) {
    const hn::Rebind<float, D> df;
    return narrow(d, f(df, widen(d, v)...));
  }

 private:
  template <class D>
  static HWY_INLINE hn::VFromD<hn::Rebind<float, D>> widen(D /*d*/, hn::VFromD<D> v) {
    const hn::Rebind<float, D> df;
    const hn::Rebind<std::uint32_t, D> d32;
    const hn::Rebind<hwy::float16_t, D> half;
    if constexpr (converts_half) {
      return hn::PromoteTo(df, hn::BitCast(half, v));
    } else {
      return widen_half(d32, df, hn::PromoteTo(d32, v));
    }
  }
  template <class D>
  static HWY_INLINE hn::VFromD<D> narrow(D d, hn::VFromD<hn::Rebind<float, D>> v) {
    const hn::Rebind<float, D> df;
    const hn::Rebind<std::uint32_t, D> d32;
    const hn::Rebind<std::int32_t, D> signed32;
    const hn::Rebind<hwy::float16_t, D> half;
    if constexpr (converts_half) {
      return hn::BitCast(d, hn::DemoteTo(half, v));
    } else {
      return hn::DemoteTo(d, hn::BitCast(signed32, narrow_half(d32, df, v)));
    }
  }
};

// The upper half of a float32, so even and odd elements are computed with where they lie: nothing
// is packed.
struct Bfloat16 {
  using Stored = std::uint16_t;
  static constexpr std::size_t max_lanes = HWY_LANES(std::uint16_t);

  template <class F, class D, class... V>
  static HWY_INLINE hn::VFromD<D> apply(const F& f, D d, V... v) {
    if constexpr (hn::MaxLanes(d) == 1) {
      const hn::Rebind<std::uint32_t, D> d32;
      const hn::Rebind<std::int32_t, D> signed32;
      const hn::Rebind<float, D> df;
      const auto wide =
          rounded(d32, f(df, hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(d32, v)))...));
      return hn::DemoteTo(d, hn::BitCast(signed32, hn::ShiftRight<16>(wide)));
    } else {
      const hn::RepartitionToWide<D> d32;
      const hn::RebindToFloat<decltype(d32)> df;
      const auto upper = hn::Set(d32, 0xFFFF0000u);
      const auto even =
          rounded(d32, f(df, hn::BitCast(df, hn::ShiftLeft<16>(hn::BitCast(d32, v)))...));
      const auto odd = rounded(d32, f(df, hn::BitCast(df, hn::And(hn::BitCast(d32, v), upper))...));
      return hn::BitCast(d, hn::Or(hn::ShiftRight<16>(even), hn::And(odd, upper)));
    }
  }

 private:
  // Highway's DemoteTo truncates. Half an ulp less one, plus one when odd, rounds the upper half to
  // nearest even; NaNs are canonical by now, so that the sum cannot carry them to zero.
  template <class D32, class VF>
  static HWY_INLINE hn::VFromD<D32> rounded(D32 d32, VF v) {
    const auto bits = hn::BitCast(d32, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1u));
    return hn::Add(hn::Add(bits, hn::Set(d32, 0x7FFFu)), odd);
  }
};

}  // namespace motet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
