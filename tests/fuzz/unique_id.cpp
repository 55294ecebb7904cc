// A unique id that was read prints a text that reads back as the same id.
#include "bootstrap/secret.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto id = parsed(UniqueId::from_text, text_of(data, size));
  if (!id) return 0;
  const UniqueId again = UniqueId::from_text(id->to_text());
  MOTET_ASSERT(again.host == id->host && again.port == id->port && again.secret == id->secret,
               "the text form parses back");
  return 0;
}
