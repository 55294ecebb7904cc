// MOTET_ASSERT(condition, "what must hold"): a bug in Motet or in its caller. Prints and aborts;
// always on.
#pragma once

namespace motet {

[[noreturn]] void assertion_failed(const char* condition, const char* what_must_hold,
                                   const char* file, int line) noexcept;

// Named in the text of a failed assertion; -1 until a communicator exists. Per thread.
void set_assertion_rank(int rank) noexcept;

}  // namespace motet

#define MOTET_ASSERT(condition, what_must_hold) \
  (static_cast<bool>(condition)                 \
       ? static_cast<void>(0)                   \
       : ::motet::assertion_failed(#condition, what_must_hold, __FILE__, __LINE__))
