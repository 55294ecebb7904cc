// Which faults to inject, and how often.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace motet {

// Everything follows from the seed: the same plan and the same calls give the same faults.
struct FaultPlan {
  std::uint64_t seed = 1;
  std::uint32_t delay = 0;  // an arrival is held for up to so many calls of progress()
  double full = 0;          // probability that send() says "try again"
  double reorder = 0;      // probability that an arrival overtakes those of other streams before it
  std::uint64_t kill = 0;  // an endpoint fails at its so many-th send or pop; 0: never

  bool operator==(const FaultPlan&) const = default;
};

// "seed=7,delay=3,full=0.1,reorder=0.2,kill=1000", each word at most once; what is left out keeps
// its default. Throws Error{invalid_argument} that quotes the word it does not like.
FaultPlan parse_fault_plan(std::string_view text);
// Parses back to the same plan.
std::string to_text(const FaultPlan& plan);

}  // namespace motet
