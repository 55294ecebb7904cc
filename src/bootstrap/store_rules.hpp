// What all kinds of store have in common: limits, counters, and the text of a failed wait.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace motet {

inline constexpr std::size_t longest_key = 4 * 1024;
inline constexpr std::size_t longest_value = 64 * 1024 * 1024;

// Throws Error{invalid_argument}.
void check_entry(std::string_view key, std::string_view value);
// A counter is kept as decimal text; empty is 0. Throws Error{invalid_argument} if the key holds
// something else.
long counter_value(std::string_view key, const std::string& text);
// Error{timeout} naming the key.
Error missing_key(std::string_view key, std::string_view by_whom);

}  // namespace motet
