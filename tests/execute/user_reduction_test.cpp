#include "execute/user_reduction.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace motet {
namespace {

// What the user's function has been asked for.
struct Calls {
  std::size_t bytes = 16;        // of an element
  std::size_t elements = 0;      // all together
  std::uintptr_t addresses = 0;  // the bits that are set in any of them
};

// Each byte of the result is a's plus three times b's: neither commutative nor symmetric.
void combine(const UserReduction& reduction, void* out, const void* a, const void* b,
             std::size_t count) {
  auto& calls = *static_cast<Calls*>(reduction.user);
  calls.elements += count;
  for (const void* at : {static_cast<const void*>(out), a, b}) {
    calls.addresses |= reinterpret_cast<std::uintptr_t>(at);
  }
  const std::size_t bytes = count * reduction.element_bytes;
  for (std::size_t i = 0; i < bytes; ++i) {
    const int sum =
        static_cast<const std::uint8_t*>(a)[i] + 3 * static_cast<const std::uint8_t*>(b)[i];
    static_cast<std::uint8_t*>(out)[i] = static_cast<std::uint8_t>(sum);
  }
}

enum class Output { separate, first, second };

// Buffers that begin so many bytes behind an address that suits everything.
class Reduced {
 public:
  Reduced(std::size_t element_bytes, std::size_t count, std::size_t misalignment)
      : bytes_(element_bytes * count), misalignment_(misalignment) {
    reduction_.call = combine;
    reduction_.user = &calls;
    reduction_.element_bytes = element_bytes;
    for (std::vector<std::uint8_t>* memory : {&a_, &b_, &out_}) memory->resize(bytes_ + 64, 0xA5);
    for (std::size_t i = 0; i < bytes_; ++i) {
      at(a_)[i] = static_cast<std::uint8_t>(i * 7 + 1);
      at(b_)[i] = static_cast<std::uint8_t>(i * 11 + 2);
    }
  }

  void expect_right(Output where, std::size_t count) {
    const std::vector<std::uint8_t> a(at(a_), at(a_) + bytes_), b(at(b_), at(b_) + bytes_);
    auto& into = where == Output::first ? a_ : where == Output::second ? b_ : out_;
    reduction_.combine(at(into), at(a_), at(b_), count);
    for (std::size_t i = 0; i < bytes_; ++i) {
      ASSERT_EQ(at(into)[i], static_cast<std::uint8_t>(a[i] + 3 * b[i])) << i << " of " << bytes_;
    }
    EXPECT_EQ(at(into)[bytes_], 0xA5) << "written beyond the end";
    EXPECT_EQ(calls.elements, count);
  }

  Calls calls;

 private:
  std::uint8_t* at(std::vector<std::uint8_t>& memory) const {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (-address % 16) + misalignment_;
  }

  std::size_t bytes_, misalignment_;
  UserReduction reduction_;
  std::vector<std::uint8_t> a_, b_, out_;
};

TEST(UserReduction, CombinesElementsOfEverySizeWhereverTheyLie) {
  for (const std::size_t bytes : {1, 2, 3, 4, 8, 12, 16, 20, 24, 40, 1000, 1024}) {
    for (const std::size_t count : {0, 1, 2, 7, 341, 1000}) {
      for (const std::size_t misalignment : {0, 1, 2, 4, 8, 15}) {
        for (const Output where : {Output::separate, Output::first, Output::second}) {
          Reduced reduced(bytes, count, misalignment);
          ASSERT_NO_FATAL_FAILURE(reduced.expect_right(where, count));
        }
      }
    }
  }
}

TEST(UserReduction, GetsElementsAlignedAsTheirSizeAllows) {
  for (const auto& [bytes, alignment] : std::vector<std::pair<std::size_t, std::uintptr_t>>{
           {1, 1}, {4, 4}, {6, 2}, {12, 4}, {24, 8}, {48, 16}, {1024, 16}}) {
    for (const std::size_t misalignment : {0, 1, 3, 4, 8}) {
      Reduced reduced(bytes, 501, misalignment);
      ASSERT_NO_FATAL_FAILURE(reduced.expect_right(Output::separate, 501));
      EXPECT_EQ(reduced.calls.addresses & (alignment - 1), 0U) << bytes;
    }
  }
}

}  // namespace
}  // namespace motet
