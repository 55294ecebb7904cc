// A plan that was read prints a text that reads back as the same plan.
#include "transport/fault/fault_plan.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto plan = parsed(parse_fault_plan, text_of(data, size));
  if (plan) MOTET_ASSERT(parse_fault_plan(to_text(*plan)) == *plan, "the text form parses back");
  return 0;
}
