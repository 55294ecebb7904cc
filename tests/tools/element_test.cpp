#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <motet/element.hpp>
#include <vector>

namespace {

using motet::bfloat16;
using motet::float16;

template <class T>
T of_bits(unsigned bits) {
  T value;
  value.bits = static_cast<std::uint16_t>(bits);
  return value;
}

template <class T>
class SixteenBits : public testing::Test {};
using Both = testing::Types<float16, bfloat16>;
TYPED_TEST_SUITE(SixteenBits, Both);

TYPED_TEST(SixteenBits, EveryValueSurvivesTheWayThroughFloat) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto value = of_bits<TypeParam>(bits);
    const auto wide = static_cast<float>(value);
    const TypeParam back(wide);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(back))) << bits;
    } else {
      EXPECT_EQ(back, value) << bits;
    }
  }
}

// Between each two neighbours: below the middle, at it, above it.
TYPED_TEST(SixteenBits, RoundToNearestEven) {
  for (unsigned bits = 0;; ++bits) {
    const auto below = of_bits<TypeParam>(bits);
    const auto above = of_bits<TypeParam>(bits + 1);
    const auto low = static_cast<float>(below);
    const auto high = static_cast<float>(above);
    if (std::isinf(high)) break;
    const auto middle = static_cast<float>((static_cast<double>(low) + high) / 2);
    EXPECT_EQ(TypeParam(middle), bits % 2 == 0 ? below : above) << bits;
    if (middle == 0) continue;  // too small for a float
    EXPECT_EQ(TypeParam(std::nextafter(middle, low)), below) << bits;
    EXPECT_EQ(TypeParam(std::nextafter(middle, high)), above) << bits;
    EXPECT_EQ(TypeParam(-middle), of_bits<TypeParam>(0x8000U | TypeParam(middle).bits)) << bits;
  }
}

TEST(Float16, KnowsItsRange) {
  EXPECT_EQ(float16(1.0F).bits, 0x3c00);
  EXPECT_EQ(float16(65504.0F).bits, 0x7bff);
  EXPECT_EQ(float16(65519.0F).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0F).bits, 0x7c00);
  EXPECT_EQ(float16(1e30F).bits, 0x7c00);
  EXPECT_EQ(float16(-0.0F).bits, 0x8000);
}

TEST(Bfloat16, KeepsNanAwayFromInfinity) {
  const auto nan = std::bit_cast<float>(0x7f800001U);  // its only set bit is in the lower half
  EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(nan))));
  EXPECT_EQ(bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

TEST(Element, MapsTypesToThoseOfTheInterface) {
  static_assert(motet::type_of<float> == motet_float32);
  static_assert(motet::type_of<const double> == motet_float64);
  static_assert(motet::type_of<signed char> == motet_int8);
  static_assert(motet::type_of<long long> == motet_int64);
  static_assert(motet::type_of<unsigned short> == motet_uint16);
  static_assert(motet::type_of<bfloat16> == motet_bfloat16);
  static_assert(!motet::Element<bool> && !motet::Element<long double> && !motet::Element<void*>);
  static_assert(motet::WritableElements<std::vector<float>&>);
  static_assert(!motet::WritableElements<const std::vector<float>&>);
}

}  // namespace
