// What all kinds of store have in common: limits, counters, and the text of a failed wait.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace motet {

inline constexpr std::size_t longest_key = 4 * 1024;
inline constexpr std::size_t longest_value = 64 * 1024 * 1024;

// Throws Error{invalid_argument}.
void check_entry(std::string_view key, std::string_view value);
// A counter is kept as decimal text; empty is 0. Nothing if `text` is something else or the sum
// fits no long.
std::optional<long> counter_sum(std::string_view text, long amount);
// Error{invalid_argument}: there was no sum.
Error no_counter(std::string_view key);
// Error{timeout} naming the key.
Error missing_key(std::string_view key, std::string_view by_whom);

}  // namespace motet
