#include "step.hpp"

#include <utility>

namespace motet_perf {

void Step::add(Call call, const Buffers& buffers, const Pattern& pattern) {
  call.in = buffers.input();
  call.out = buffers.output();
  calls_.push_back(std::move(call));
  checked_.push_back({buffers, &pattern});
}

void Step::fill() const {
  for (const Checked& one : checked_) one.buffers.fill(*one.pattern);
}

void Step::read() const {
  for (const Checked& one : checked_) one.buffers.read();
}

std::size_t Step::count_wrong() const {
  std::size_t wrong = 0;
  for (const Checked& one : checked_) wrong += one.buffers.count_wrong(*one.pattern);
  return wrong;
}

std::size_t Step::count_wrong_of_repeated() const {
  std::size_t wrong = 0;
  for (const Checked& one : checked_) {
    if (!one.buffers.in_place()) wrong += one.buffers.count_wrong(*one.pattern);
  }
  return wrong;
}

}  // namespace motet_perf
