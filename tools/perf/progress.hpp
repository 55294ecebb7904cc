// The line that says what a long run is doing, on a terminal only.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace motet_perf {

class Progress {
 public:
  // Nothing is ever printed where `terminal` is null or no terminal.
  Progress(std::FILE* terminal, std::size_t rows);

  // "[3/24] text", in place of the line before.
  void show(const std::string& text);
  void clear();

 private:
  std::FILE* terminal_;
  std::size_t rows_, row_ = 0;
};

}  // namespace motet_perf
