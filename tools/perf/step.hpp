// Calls that are timed together, one or a step of several, with their buffers and what these must
// hold.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "buffers.hpp"
#include "call.hpp"
#include "pattern.hpp"

namespace motet_perf {

class Step {
 public:
  // What the buffers lie in, and the pattern, must outlive it.
  void add(Call call, const Buffers& buffers, const Pattern& pattern);

  std::span<const Call> calls() const { return calls_; }
  void fill() const;
  void read() const;
  // Elements that are not what they must be when all was filled and then called once.
  std::size_t count_wrong() const;
  // The same of any number of times: in place each call has worked on what the one before left, so
  // those are not looked at.
  std::size_t count_wrong_of_repeated() const;

 private:
  struct Checked {
    Buffers buffers;
    const Pattern* pattern;
  };

  std::vector<Call> calls_;
  std::vector<Checked> checked_;  // as long
};

}  // namespace motet_perf
