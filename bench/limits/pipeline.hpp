// Blocks that pass through stages, each a few blocks behind the one before.
#pragma once

#include <algorithm>
#include <cstddef>

namespace motet_limits {

struct Blocks {
  std::size_t count, block;  // of floats

  std::size_t number() const { return (count + block - 1) / block; }
  std::size_t start(std::size_t index) const { return index * block; }
  // 0 past the end, as in the smaller half of an odd count.
  std::size_t size(std::size_t index) const {
    return count > start(index) ? std::min(block, count - start(index)) : 0;
  }
};

// Calls stage(i) for i = 0 .. blocks - 1 of every stage; stage s is s * ahead blocks behind the
// first.
template <class... Stages>
void pipeline(std::size_t blocks, std::size_t ahead, const Stages&... stages) {
  const std::size_t steps = blocks + (sizeof...(stages) - 1) * ahead;
  for (std::size_t step = 0; step < steps; ++step) {
    std::size_t behind = 0;
    const auto advance = [&](const auto& stage) {
      if (step >= behind && step - behind < blocks) stage(step - behind);
      behind += ahead;
    };
    (advance(stages), ...);
  }
}

}  // namespace motet_limits
