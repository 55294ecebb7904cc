// One line per event, key=value, with the rank. Goes to stderr unless the user gave a sink.
#pragma once

#include <string>
#include <string_view>

namespace motet {

enum class LogLevel : int { error = 0, warning, info, debug };

// Called from any thread of Motet, never with a lock held that the sink could need.
using LogSink = void (*)(LogLevel level, const char* line, void* user);

void set_log_sink(LogSink sink, void* user) noexcept;  // nullptr: stderr again
void set_log_level(LogLevel level) noexcept;           // default: warning
bool logs(LogLevel level) noexcept;
void log(LogLevel level, std::string_view line);

}  // namespace motet
