// What a rank or the hub says: refused, or a message that encodes to the same bytes.
#include "bootstrap/health_messages.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const std::string frame = text_of(data, size);
  const auto message = decode_health_message(frame);
  if (message) MOTET_ASSERT(encode(*message) == frame, "a message holds all of its bytes");
  return 0;
}
