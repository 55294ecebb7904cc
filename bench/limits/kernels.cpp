#include "kernels.hpp"

#include <array>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace motet_limits::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

struct Copied {
  const float* from;
  HWY_INLINE Vector vector(std::size_t i) const { return hn::LoadU(Tag(), from + i); }
  HWY_INLINE float single(std::size_t i) const { return from[i]; }
};

struct Sum {
  const float* a;
  const float* b;
  HWY_INLINE Vector vector(std::size_t i) const {
    return hn::Add(hn::LoadU(Tag(), a + i), hn::LoadU(Tag(), b + i));
  }
  HWY_INLINE float single(std::size_t i) const { return a[i] + b[i]; }
};

template <bool past_caches>
struct Once {
  static constexpr bool streamed = past_caches;
  float* to;

  HWY_INLINE bool aligned(std::size_t i) const {
    return reinterpret_cast<std::uintptr_t>(to + i) % (hn::Lanes(Tag()) * sizeof(float)) == 0;
  }
  HWY_INLINE void put(Vector v, std::size_t i) const {
    if constexpr (streamed)
      hn::Stream(v, Tag(), to + i);
    else
      hn::StoreU(v, Tag(), to + i);
  }
  HWY_INLINE void put(float v, std::size_t i) const { to[i] = v; }
};

template <bool first_streamed, bool second_streamed>
struct Twice {
  static constexpr bool streamed = first_streamed || second_streamed;
  Once<first_streamed> first;
  Once<second_streamed> second;

  HWY_INLINE bool aligned(std::size_t i) const {
    return (!first_streamed || first.aligned(i)) && (!second_streamed || second.aligned(i));
  }
  template <class Value>
  HWY_INLINE void put(Value v, std::size_t i) const {
    first.put(v, i);
    second.put(v, i);
  }
};

// Four vectors at a time keep the load and store ports busy.
template <class Target, class Source>
HWY_INLINE void transfer(const Target target, const Source source, std::size_t count) {
  const std::size_t lanes = hn::Lanes(Tag());
  std::size_t i = 0;
  if constexpr (Target::streamed)
    for (; i < count && !target.aligned(i); ++i) target.put(source.single(i), i);
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const Vector v0 = source.vector(i);
    const Vector v1 = source.vector(i + lanes);
    const Vector v2 = source.vector(i + 2 * lanes);
    const Vector v3 = source.vector(i + 3 * lanes);
    target.put(v0, i);
    target.put(v1, i + lanes);
    target.put(v2, i + 2 * lanes);
    target.put(v3, i + 3 * lanes);
  }
  for (; i + lanes <= count; i += lanes) target.put(source.vector(i), i);
  for (; i < count; ++i) target.put(source.single(i), i);
  if constexpr (Target::streamed) hwy::FlushStream();
}

// NOLINTBEGIN(readability-non-const-parameter): written through the targets
template <bool streamed>
void copy(float* to, const float* from, std::size_t count) {
  transfer(Once<streamed>{to}, Copied{from}, count);
}

template <bool first_streamed, bool second_streamed>
void copy_twice(float* first, float* second, const float* from, std::size_t count) {
  transfer(Twice<first_streamed, second_streamed>{{first}, {second}}, Copied{from}, count);
}

template <bool streamed>
void add(float* to, const float* a, const float* b, std::size_t count) {
  transfer(Once<streamed>{to}, Sum{a, b}, count);
}

template <bool first_streamed, bool second_streamed>
void add_twice(float* first, float* second, const float* a, const float* b, std::size_t count) {
  transfer(Twice<first_streamed, second_streamed>{{first}, {second}}, Sum{a, b}, count);
}

// NOLINTEND(readability-non-const-parameter)

template <bool first_streamed, bool second_streamed>
constexpr Kernels kernels_storing{copy<first_streamed>, copy_twice<first_streamed, second_streamed>,
                                  add<first_streamed>, add_twice<first_streamed, second_streamed>};

using Table = std::array<Kernels, 3>;  // in the order of Stores

const Table& table() {
  static constexpr Table rows{kernels_storing<false, false>, kernels_storing<true, false>,
                              kernels_storing<true, true>};
  return rows;
}

}  // namespace motet_limits::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace motet_limits {

using Table = std::array<Kernels, 3>;
HWY_EXPORT(table);

const Kernels& kernels(Stores stores) {
  static const Table& best = HWY_DYNAMIC_DISPATCH(table)();
  return best[static_cast<std::size_t>(stores)];
}

std::string_view name(Stores stores) {
  switch (stores) {
    case Stores::cached:
      return "cached";
    case Stores::streamed_first:
    case Stores::streamed:
      return "streamed";
  }
  return "";
}

}  // namespace motet_limits
#endif
