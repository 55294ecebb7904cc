// What fuzz programs share. libFuzzer calls LLVMFuzzerTestOneInput with bytes of its choice and
// takes an abort, a leak or a sanitizer's complaint for a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/assert.hpp"
#include "base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace motet {

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What `parse` makes of the text; nothing where it refuses it as it should, with invalid_argument.
template <class Parse>
auto parsed(Parse parse, const std::string& text) -> std::optional<decltype(parse(text))> {
  try {
    return parse(text);
  } catch (const Error& error) {
    MOTET_ASSERT(error.code() == ErrorCode::invalid_argument, "the text is to blame");
    return {};
  }
}

}  // namespace motet
