// What a TCP store and its server say. A client asks one thing at a time and gets one reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bootstrap/store_rules.hpp"
#include "net/wire.hpp"

namespace motet {

// get waits on the server; cancel ends that wait. If the value came first, the cancel has no reply
// of its own.
enum class StoreCall : std::uint8_t { set, get, try_get, add, cancel };
enum class StoreReply : std::uint8_t { value, absent, cancelled, rejected };

inline constexpr std::size_t longest_store_frame = longest_key + longest_value + 64;

inline std::string store_request(StoreCall call, std::string_view key,
                                 std::string_view value = {}) {
  return WireWriter().number(static_cast<std::uint8_t>(call)).text(key).text(value).take();
}

}  // namespace motet
