#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace motet {
namespace {
thread_local int assertion_rank = -1;
}

void set_assertion_rank(int rank) noexcept {
  assertion_rank = rank;
}

void assertion_failed(const char* condition, const char* what_must_hold, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "motet: rank %d: bug: %s (%s, %s:%d)\n", assertion_rank, what_must_hold,
               condition, file, line);
  std::abort();
}

}  // namespace motet
