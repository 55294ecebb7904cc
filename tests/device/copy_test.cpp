#include "device/host/copy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace motet {
namespace {

// Around the lengths of vectors and lines, and from every alignment.
TEST(CopyPastCaches, CopiesExactlyWhatItIsTold) {
  std::vector<unsigned char> from(6000), to(6000);
  std::iota(from.begin(), from.end(), static_cast<unsigned char>(1));
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 127, 255, 256, 257, 1023, 4096, 5003}) {
    for (std::size_t shift = 0; shift < 130; shift += 13) {
      std::ranges::fill(to, static_cast<unsigned char>(0));
      copy_past_caches(&to[shift], &from[2 * shift], bytes);
      EXPECT_TRUE(std::equal(&to[shift], &to[shift] + bytes, &from[2 * shift]));
      EXPECT_EQ(
          std::ranges::count(to, 0),
          std::ranges::count(from.begin() + static_cast<std::ptrdiff_t>(2 * shift),
                             from.begin() + static_cast<std::ptrdiff_t>(2 * shift + bytes), 0) +
              static_cast<std::ptrdiff_t>(to.size() - bytes))
          << bytes << " bytes at " << shift;
    }
  }
}

}  // namespace
}  // namespace motet
