#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace motet_perf {

Progress::Progress(std::FILE* terminal, std::size_t rows)
    : terminal_(terminal != nullptr && isatty(fileno(terminal)) != 0 ? terminal : nullptr),
      rows_(rows) {}

void Progress::show(const std::string& text) {
  ++row_;
  if (terminal_ == nullptr) return;
  fmt::print(terminal_, "\r\033[K[{}/{}] {}", row_, rows_, text);
  std::fflush(terminal_);
}

void Progress::clear() {
  if (terminal_ == nullptr) return;
  fmt::print(terminal_, "\r\033[K");
  std::fflush(terminal_);
}

}  // namespace motet_perf
