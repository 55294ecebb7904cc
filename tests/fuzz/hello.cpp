// The first bytes that a stranger may send: refused, or a hello that encodes to the same bytes.
#include <algorithm>

#include "fuzz.hpp"
#include "net/handshake_messages.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const std::span received(reinterpret_cast<const std::byte*>(data), size);
  const bool possible = may_become_hello(received);
  if (size < hello_bytes) return 0;
  HelloBytes bytes{};
  std::copy_n(received.begin(), bytes.size(), bytes.begin());
  const auto hello = decode_hello(bytes);
  MOTET_ASSERT(possible || !hello, "what is dropped early is no hello");
  if (hello) MOTET_ASSERT(encode(*hello) == bytes, "a hello holds all of its bytes");
  return 0;
}
