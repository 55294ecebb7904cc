#include "device/host/reduce.hpp"

#include <array>
#include <cstdint>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/host/reduce.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "device/host/combine-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace motet::HWY_NAMESPACE {

template <class Element>
struct Operands {
  using Stored = typename Element::Stored;
  Stored* out;
  const Stored* a;
  const Stored* b;
  std::size_t count;

  HWY_INLINE void advance(std::size_t by) {
    out += by;
    a += by;
    b += by;
    count -= by;
  }
};

// Loads everything before it stores anything, so `out` may be `a` or `b`.
template <std::size_t vectors, class Element, class Op, class D>
HWY_INLINE void combine_vectors(D d, Operands<Element>& o) {
  const std::size_t lanes = hn::Lanes(d);
  const auto at = [&](std::size_t i) HWY_ATTR {
    return Element::apply(Op{}, d, load(d, o.a + i * lanes), load(d, o.b + i * lanes));
  };
  if constexpr (vectors == 1) {
    store(at(0), d, o.out);
  } else {
    static_assert(vectors == 4);
    const auto v0 = at(0);
    const auto v1 = at(1);
    const auto v2 = at(2);
    const auto v3 = at(3);
    store(v0, d, o.out);
    store(v1, d, o.out + lanes);
    store(v2, d, o.out + 2 * lanes);
    store(v3, d, o.out + 3 * lanes);
  }
  o.advance(vectors * lanes);
}

// What is left after the main loop, in vectors of half the length each time.
template <std::size_t lanes, class Element, class Op>
HWY_INLINE void combine_rest(Operands<Element>& o) {
  const hn::CappedTag<typename Element::Stored, lanes> d;
  while (o.count >= hn::Lanes(d)) combine_vectors<1, Element, Op>(d, o);
  if constexpr (lanes > 1) combine_rest<lanes / 2, Element, Op>(o);
}

template <class Element, class Op>
void combine(void* out, const void* a, const void* b, std::size_t count) {
  using Stored = typename Element::Stored;
  Operands<Element> o{static_cast<Stored*>(out), static_cast<const Stored*>(a),
                      static_cast<const Stored*>(b), count};
  const hn::CappedTag<Stored, Element::max_lanes> d;
  while (o.count >= 4 * hn::Lanes(d)) combine_vectors<4, Element, Op>(d, o);
  combine_rest<Element::max_lanes, Element, Op>(o);
}

// Exact for up to 32 bits: the quotient is off its true value by far less than it can be off an
// integer.
template <class T>
void divide_integers(void* data, std::size_t count, int divisor) {
  T* values = static_cast<T*>(data);
  using Divisor = std::conditional_t<sizeof(T) == 8, T, double>;
  const auto by = static_cast<Divisor>(divisor);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    __builtin_memcpy(&value, values + i, sizeof value);  // may be unaligned
    value = static_cast<T>(static_cast<Divisor>(value) / by);
    __builtin_memcpy(values + i, &value, sizeof value);
  }
}

// Applies what takes one operand.
template <std::size_t lanes, class Element, class Op, class Stored = typename Element::Stored>
HWY_INLINE void transform(Stored* out, const Stored* in, std::size_t count, Op op) {
  const hn::CappedTag<Stored, lanes> d;
  std::size_t i = 0;
  for (; count - i >= hn::Lanes(d); i += hn::Lanes(d)) {
    store(Element::apply(op, d, load(d, in + i)), d, out + i);
  }
  if constexpr (lanes > 1) transform<lanes / 2, Element>(out + i, in + i, count - i, op);
}

template <class Element>
void divide_floats(void* data, std::size_t count, int divisor) {
  auto* const values = static_cast<typename Element::Stored*>(data);
  transform<Element::max_lanes, Element>(values, values, count, Division{divisor});
}

template <class Element>
void multiply_floats(void* out, const void* in, std::size_t count, double factor) {
  using Stored = typename Element::Stored;
  transform<Element::max_lanes, Element>(static_cast<Stored*>(out), static_cast<const Stored*>(in),
                                         count, Multiplication{factor});
}

using Row = std::array<ReduceKernel, reduce_op_count>;

// Order as in ReduceOp. Wrapping and bits are the same for signed and unsigned.
template <class T>
constexpr Row integer_row() {
  using Signless = Direct<std::make_unsigned_t<T>>;
  return {combine<Signless, Sum>,
          combine<Signless, Product>,
          combine<Direct<T>, Minimum>,
          combine<Direct<T>, Maximum>,
          combine<Signless, Sum>,
          combine<Signless, And>,
          combine<Signless, Or>,
          combine<Signless, Xor>,
          nullptr,
          nullptr};
}

template <class Element>
constexpr Row float_row() {
  return {combine<Element, Sum>,
          combine<Element, Product>,
          combine<Element, Minimum>,
          combine<Element, Maximum>,
          combine<Element, Sum>,
          nullptr,
          nullptr,
          nullptr,
          combine<Element, Sum>,
          nullptr};
}

// Order as in DataType.
constexpr std::array<Row, data_type_count> reduce_rows{
    integer_row<std::int8_t>(),   integer_row<std::int16_t>(),  integer_row<std::int32_t>(),
    integer_row<std::int64_t>(),  integer_row<std::uint8_t>(),  integer_row<std::uint16_t>(),
    integer_row<std::uint32_t>(), integer_row<std::uint64_t>(), float_row<Float16>(),
    float_row<Bfloat16>(),        float_row<Direct<float>>(),   float_row<Direct<double>>()};

constexpr std::array<ScaleKernel, data_type_count> divide_row{
    divide_integers<std::int8_t>,   divide_integers<std::int16_t>,  divide_integers<std::int32_t>,
    divide_integers<std::int64_t>,  divide_integers<std::uint8_t>,  divide_integers<std::uint16_t>,
    divide_integers<std::uint32_t>, divide_integers<std::uint64_t>, divide_floats<Float16>,
    divide_floats<Bfloat16>,        divide_floats<Direct<float>>,   divide_floats<Direct<double>>};

// Order as in DataType.
constexpr std::array<MultiplyKernel, data_type_count> multiply_row{nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   nullptr,
                                                                   multiply_floats<Float16>,
                                                                   multiply_floats<Bfloat16>,
                                                                   multiply_floats<Direct<float>>,
                                                                   multiply_floats<Direct<double>>};

ReduceKernel find_reduce(std::size_t type, std::size_t op) {
  return reduce_rows[type][op];
}
ScaleKernel find_divide(std::size_t type) {
  return divide_row[type];
}
MultiplyKernel find_multiply(std::size_t type) {
  return multiply_row[type];
}
const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace motet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace motet {
namespace {
HWY_EXPORT(find_reduce);
HWY_EXPORT(find_divide);
HWY_EXPORT(find_multiply);
HWY_EXPORT(target_name);
}  // namespace

ReduceKernel reduce_kernel(ReduceOp op, DataType type) noexcept {
  return HWY_DYNAMIC_DISPATCH(find_reduce)(static_cast<std::size_t>(type),
                                           static_cast<std::size_t>(op));
}

ScaleKernel divide_kernel(DataType type) noexcept {
  return HWY_DYNAMIC_DISPATCH(find_divide)(static_cast<std::size_t>(type));
}

MultiplyKernel multiply_kernel(DataType type) noexcept {
  return HWY_DYNAMIC_DISPATCH(find_multiply)(static_cast<std::size_t>(type));
}

const char* reduce_target() noexcept {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

}  // namespace motet
#endif
