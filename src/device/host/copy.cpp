#include "device/host/copy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/host/copy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace motet::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `to` is aligned to vectors. Returns how much has been copied: whole rounds.
std::size_t stream_vectors(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= bytes; i += 4 * lanes) {
    const auto v0 = hn::LoadU(d, from + i);
    const auto v1 = hn::LoadU(d, from + i + lanes);
    const auto v2 = hn::LoadU(d, from + i + 2 * lanes);
    const auto v3 = hn::LoadU(d, from + i + 3 * lanes);
    hn::Stream(v0, d, to + i);
    hn::Stream(v1, d, to + i + lanes);
    hn::Stream(v2, d, to + i + 2 * lanes);
    hn::Stream(v3, d, to + i + 3 * lanes);
  }
  hwy::FlushStream();
  return i;
}

}  // namespace motet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace motet {
namespace {
HWY_EXPORT(stream_vectors);
}  // namespace

void copy_past_caches(void* to, const void* from, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;  // no vector is longer
  auto* out = static_cast<std::uint8_t*>(to);
  const auto* in = static_cast<const std::uint8_t*>(from);
  const std::size_t to_line = -reinterpret_cast<std::uintptr_t>(out) % line;
  const std::size_t head = std::min(bytes, to_line);
  std::memcpy(out, in, head);
  const std::size_t done =
      head + HWY_DYNAMIC_DISPATCH(stream_vectors)(out + head, in + head, bytes - head);
  std::memcpy(out + done, in + done, bytes - done);
}

}  // namespace motet
#endif
