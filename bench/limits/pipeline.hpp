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

// Calls stage(i) for i = 0 .. blocks - 1 of every stage; stage s is s * lag blocks behind the
// first.
//
// Where both ranks run the same pipeline, where the first stage fills slot i % slots and tells, and
// where the second hears that of the peer's block i, slots = 2 * lag + 2 need no credits: a rank
// that fills for block i has heard of the peer's i - lag - 1, before whose filling the peer had
// taken i - 2 * lag - 2. The same holds across calls, and for what the second stage fills and the
// third takes.
template <class... Stages>
void pipeline(std::size_t blocks, std::size_t lag, const Stages&... stages) {
  const std::size_t steps = blocks + (sizeof...(stages) - 1) * lag;
  for (std::size_t step = 0; step < steps; ++step) {
    std::size_t behind = 0;
    const auto advance = [&](const auto& stage) {
      if (step >= behind && step - behind < blocks) stage(step - behind);
      behind += lag;
    };
    (advance(stages), ...);
  }
}

}  // namespace motet_limits
