// One line per event, key=value, with the rank. Goes to stderr unless the user gave a sink.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace motet {

enum class LogLevel : int { error = 0, warning, info, debug };

// The words users type and read, and all of them in a sentence.
std::string_view name(LogLevel level) noexcept;
std::optional<LogLevel> log_level_from(std::string_view word) noexcept;  // nothing: it is no level
inline constexpr std::string_view log_level_words = "error, warning, info or debug";

// `level`: a LogLevel. Called from any thread of Motet, never with a lock held that the sink could
// need.
using LogSink = void (*)(int level, const char* line, void* user);

void set_log_sink(LogSink sink, void* user) noexcept;  // nullptr: stderr again
void set_log_level(LogLevel level) noexcept;           // default: warning
bool logs(LogLevel level) noexcept;
void log(LogLevel level, std::string_view line);
// Of who speaks, as transports know it: "rank=3" for "rank 3".
std::string rank_field(std::string_view name);

}  // namespace motet
