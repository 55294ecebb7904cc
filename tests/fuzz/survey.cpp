// A survey that was read prints a text that reads back as the same survey.
#include "topology/survey.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto read = [](const std::string& text) { return Survey::from_text(text); };
  const auto survey = parsed(read, text_of(data, size));
  if (!survey) return 0;
  MOTET_ASSERT(read(survey->to_text()) == *survey, "the text form parses back");
  for (const Hardware& hardware : survey->machines) {
    MOTET_ASSERT(nearest_nics(hardware).size() == hardware.accelerators.size(),
                 "every accelerator has an answer");
  }
  return 0;
}
