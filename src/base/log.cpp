#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>

namespace motet {
namespace {

// Process-wide, although global state is not our habit: where lines go is the process's choice, and
// lines come also from where no communicator is known.
std::mutex sink_mutex;  // guards sink and sink_user
LogSink sink = nullptr;
void* sink_user = nullptr;
std::atomic<int> level{static_cast<int>(LogLevel::warning)};  // relaxed: only a filter

constexpr std::array<std::string_view, 4> level_names{"error", "warning", "info", "debug"};

}  // namespace

std::string_view name(LogLevel level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> log_level_from(std::string_view word) noexcept {
  const auto* const found = std::find(level_names.begin(), level_names.end(), word);
  if (found == level_names.end()) return {};
  return static_cast<LogLevel>(found - level_names.begin());
}

void set_log_sink(LogSink new_sink, void* user) noexcept {
  const std::scoped_lock lock(sink_mutex);
  sink = new_sink;
  sink_user = user;
}

void set_log_level(LogLevel new_level) noexcept {
  level.store(static_cast<int>(new_level), std::memory_order_relaxed);
}

bool logs(LogLevel wanted) noexcept {
  return static_cast<int>(wanted) <= level.load(std::memory_order_relaxed);
}

void log(LogLevel line_level, std::string_view line) {
  if (!logs(line_level)) return;
  LogSink to = nullptr;
  void* user = nullptr;
  {
    const std::scoped_lock lock(sink_mutex);
    to = sink;
    user = sink_user;
  }
  const std::string text(line);
  if (to != nullptr) {
    to(static_cast<int>(line_level), text.c_str(), user);
  } else {
    std::fprintf(stderr, "motet level=%s %s\n",
                 name(line_level).data(),  // a literal: it ends with a zero
                 text.c_str());
  }
}

std::string rank_field(std::string_view name) {
  constexpr std::string_view prefix = "rank ";
  if (name.starts_with(prefix)) return fmt::format("rank={}", name.substr(prefix.size()));
  return fmt::format("rank=\"{}\"", name);
}

}  // namespace motet
