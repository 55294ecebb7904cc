#include "device/host/reduce.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "reference.hpp"

namespace motet {
namespace {

constexpr std::array<std::size_t, 17> counts{0,  1,  2,  3,  7,  8,   15,  16,  17,
                                             31, 33, 63, 64, 65, 100, 255, 1000};
constexpr std::size_t guard_bytes = 64;
constexpr std::byte guard{0xA5};

// One instruction set forced for the life of the object.
class ForcedTarget {
 public:
  explicit ForcedTarget(std::int64_t target) { choose(target); }
  ~ForcedTarget() { choose(0); }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;

 private:
  static void choose(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

Bits get(const std::byte* at, DataType type, std::size_t i) {
  Bits bits = 0;
  std::memcpy(&bits, at + i * element_bytes(type), element_bytes(type));
  return bits;
}

void put(std::byte* at, DataType type, std::size_t i, Bits bits) {
  std::memcpy(at + i * element_bytes(type), &bits, element_bytes(type));
}

// Bit patterns where arithmetic goes wrong, for any type: zeros of both signs, extremes,
// infinities, NaNs quiet and signalling of both signs, subnormals, and halfway cases of rounding.
std::vector<Bits> special_values(DataType type) {
  const std::size_t bits = 8 * element_bytes(type);
  const Bits sign = Bits{1} << (bits - 1);
  std::vector<Bits> values{0, 1, 2, 3, sign - 1};
  if (type == DataType::float16) {
    values.insert(values.end(),
                  {0x7C00, 0x7E00, 0x7C01, 0x7FFF, 0x0400, 0x03FF, 0x3C00, 0x3C01, 0x7BFF, 0x5000});
  } else if (type == DataType::bfloat16) {
    values.insert(values.end(),
                  {0x7F80, 0x7FC0, 0x7F81, 0x7FFF, 0x0080, 0x007F, 0x3F80, 0x3F81, 0x7F7F, 0x3B80});
  } else if (type == DataType::float32) {
    values.insert(values.end(),
                  {0x7F800000, 0x7FC00000, 0x7F800001, 0x00800000, 0x007FFFFF, 0x3F800000});
  } else if (type == DataType::float64) {
    values.insert(values.end(), {0x7FF0000000000000, 0x7FF8000000000000, 0x7FF0000000000001,
                                 0x0010000000000000, 0x3FF0000000000000});
  }
  const std::size_t positive = values.size();
  for (std::size_t i = 0; i < positive; ++i) values.push_back(values[i] | sign);
  return values;
}

// The first pairs are all pairs of special values, as far as they fit; then everything is random
// bits.
struct Inputs {
  std::vector<Bits> a, b;
  Inputs(DataType type, std::size_t count) {
    const std::vector<Bits> special = special_values(type);
    std::mt19937_64 random(count);
    const std::size_t pairs = special.size() * special.size();
    for (std::size_t i = 0; i < count; ++i) {
      const bool chosen = i < pairs && count > 64;
      a.push_back(chosen ? special[i % special.size()] : truncated(type, random()));
      b.push_back(chosen ? special[i / special.size()] : truncated(type, random()));
    }
  }
  static Bits truncated(DataType type, Bits bits) { return bits >> (64 - 8 * element_bytes(type)); }
};

// Elements at `misalignment` bytes past an aligned address, guarded on both sides.
class Buffer {
 public:
  Buffer(DataType type, const std::vector<Bits>& values, std::size_t misalignment)
      : type_(type),
        bytes_(values.size() * element_bytes(type)),
        start_(guard_bytes + misalignment),
        memory_(start_ + bytes_ + guard_bytes, guard) {
    for (std::size_t i = 0; i < values.size(); ++i) put(data(), type, i, values[i]);
  }
  std::byte* data() { return memory_.data() + start_; }
  Bits operator[](std::size_t i) { return get(data(), type_, i); }
  bool guards_intact() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if ((i < start_ || i >= start_ + bytes_) && memory_[i] != guard) return false;
    }
    return true;
  }

 private:
  DataType type_;
  std::size_t bytes_, start_;
  std::vector<std::byte> memory_;
};

enum class Output { separate, first, second };

void check_reduce(DataType type, ReduceOp op, std::size_t count, std::size_t misalignment,
                  Output where) {
  const Inputs in(type, count);
  Buffer a(type, in.a, misalignment);
  Buffer b(type, in.b, where == Output::first ? 0 : misalignment / 2);
  Buffer separate(type, std::vector<Bits>(count), misalignment + 1);
  Buffer& out = where == Output::first ? a : where == Output::second ? b : separate;
  reduce_kernel(op, type)(out.data(), a.data(), b.data(), count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(out[i], reference_reduce(type, op, in.a[i], in.b[i]))
        << std::hex << "a=" << in.a[i] << " b=" << in.b[i] << std::dec << " at " << i << " of "
        << count << " on " << reduce_target();
  }
  ASSERT_TRUE(out.guards_intact());
}

template <class Check>
void on_every_target(const Check& check) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const ForcedTarget forced(target);
    ASSERT_STREQ(reduce_target(), hwy::TargetName(target));
    check();
  }
}

class Reduction : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(Reduction, EqualsTheReferenceBitForBit) {
  const auto type = static_cast<DataType>(std::get<0>(GetParam()));
  const auto op = static_cast<ReduceOp>(std::get<1>(GetParam()));
  if (!is_defined(op, type)) {
    EXPECT_EQ(reduce_kernel(op, type), nullptr);
    return;
  }
  on_every_target([&] {
    for (const std::size_t count : counts) {
      for (const std::size_t misalignment : {0, 1, 2, 7, 32}) {
        for (const Output where : {Output::separate, Output::first, Output::second}) {
          ASSERT_NO_FATAL_FAILURE(check_reduce(type, op, count, misalignment, where));
        }
      }
    }
  });
}

std::string readable_name(const testing::TestParamInfo<std::tuple<int, int>>& info) {
  return std::string(name(static_cast<DataType>(std::get<0>(info.param)))) + "_" +
         std::string(name(static_cast<ReduceOp>(std::get<1>(info.param))));
}

INSTANTIATE_TEST_SUITE_P(EveryTypeAndOp, Reduction,
                         testing::Combine(testing::Range(0, data_type_count),
                                          testing::Range(0, reduce_op_count)),
                         readable_name);

class Division : public testing::TestWithParam<int> {};

TEST_P(Division, EqualsTheReferenceBitForBit) {
  const auto type = static_cast<DataType>(GetParam());
  on_every_target([&] {
    for (const std::size_t count : counts) {
      for (const int divisor : {1, 2, 3, 7, 127, 300, 16384}) {
        const Inputs in(type, count);
        Buffer data(type, in.a, 1);
        divide_kernel(type)(data.data(), count, divisor);
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_EQ(data[i], reference_divide(type, in.a[i], divisor))
              << std::hex << in.a[i] << std::dec << " / " << divisor << " on " << reduce_target();
        }
        ASSERT_TRUE(data.guards_intact());
      }
    }
  });
}

std::string type_name(const testing::TestParamInfo<int>& parameter) {
  return std::string(name(static_cast<DataType>(parameter.param)));
}

INSTANTIATE_TEST_SUITE_P(EveryType, Division, testing::Range(0, data_type_count), type_name);

class Multiplication : public testing::TestWithParam<int> {};

void check_multiply(DataType type, std::size_t count, double factor, Output where) {
  const Inputs values(type, count);
  Buffer in(type, values.a, 1);
  Buffer separate(type, std::vector<Bits>(count), 2);
  Buffer& out = where == Output::first ? in : separate;
  multiply_kernel(type)(out.data(), in.data(), count, factor);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(out[i], reference_multiply(type, values.a[i], factor))
        << std::hex << values.a[i] << " * " << factor << " on " << reduce_target();
    if (where == Output::separate) {
      ASSERT_EQ(in[i], values.a[i]);
    }
  }
  ASSERT_TRUE(in.guards_intact() && separate.guards_intact());
}

TEST_P(Multiplication, EqualsTheReferenceBitForBit) {
  const auto type = static_cast<DataType>(GetParam());
  if (!is_defined(ReduceOp::premul_sum, type)) {
    EXPECT_EQ(multiply_kernel(type), nullptr);
    return;
  }
  const double infinity = std::numeric_limits<double>::infinity();
  on_every_target([&] {
    for (const std::size_t count : counts) {
      for (const double factor : {0.0, 1.0, -1.0, 1.0 / 3, 0x1p-20, 1e30, -infinity}) {
        ASSERT_NO_FATAL_FAILURE(check_multiply(type, count, factor, Output::separate));
        ASSERT_NO_FATAL_FAILURE(check_multiply(type, count, factor, Output::first));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(EveryType, Multiplication, testing::Range(0, data_type_count), type_name);

// Every value of the format against a few others: all roundings, subnormals, overflows and NaNs of
// a narrow type.
void check_every_value(DataType type, ReduceOp op) {
  std::vector<Bits> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  for (const Bits other : special_values(type)) {
    Buffer a(type, all, 0);
    Buffer b(type, std::vector<Bits>(all.size(), other), 0);
    reduce_kernel(op, type)(a.data(), a.data(), b.data(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(a[i], reference_reduce(type, op, all[i], other))
          << std::hex << "a=" << all[i] << " b=" << other << " on " << reduce_target();
    }
  }
}

TEST(Reduction, RoundsEveryFloat16AndBfloat16ToNearestEven) {
  on_every_target([&] {
    for (const DataType type : {DataType::float16, DataType::bfloat16}) {
      ASSERT_NO_FATAL_FAILURE(check_every_value(type, ReduceOp::sum));
      ASSERT_NO_FATAL_FAILURE(check_every_value(type, ReduceOp::prod));
    }
  });
}

TEST(Reduction, GivesTheSameBitsForSwappedOperands) {
  for (int type_number = static_cast<int>(DataType::float16); type_number < data_type_count;
       ++type_number) {
    const auto type = static_cast<DataType>(type_number);
    const Inputs in(type, 1000);
    for (const ReduceOp op : {ReduceOp::sum, ReduceOp::prod, ReduceOp::min, ReduceOp::max}) {
      Buffer a(type, in.a, 0);
      Buffer b(type, in.b, 0);
      Buffer ab(type, in.a, 0);
      Buffer ba(type, in.a, 0);
      reduce_kernel(op, type)(ab.data(), a.data(), b.data(), 1000);
      reduce_kernel(op, type)(ba.data(), b.data(), a.data(), 1000);
      EXPECT_EQ(std::memcmp(ab.data(), ba.data(), 1000 * element_bytes(type)), 0)
          << name(type) << name(op);
    }
  }
}

}  // namespace
}  // namespace motet
