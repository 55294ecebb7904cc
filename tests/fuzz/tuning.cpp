// A tuning that was read prints a text that reads back as the same tuning.
#include "planner/tuning.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto tuning = parsed(Tuning::from_text, text_of(data, size));
  if (!tuning) return 0;
  MOTET_ASSERT(Tuning::from_text(tuning->to_text()) == *tuning, "the text form parses back");
  return 0;
}
