// What the C entry points share: what their handles hold, and how exceptions become a status and a
// text. Nothing is decided here.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "communicator/communicator.hpp"
#include "motet/motet.h"
#include "net/descriptor.hpp"

struct motet_comm {
  std::unique_ptr<motet::Communicator> communicator;
};

struct motet_plan;

// Either of a call of its own, or of a plan, which owns both.
struct motet_request {
  std::unique_ptr<motet::Request> own;
  motet::Request* request = nullptr;
  motet_plan* plan = nullptr;
};

namespace motet {

// Of a C enumeration, which holds whatever the caller has put there: what does not fit into a byte
// does not exist either.
template <class Word>
Word from(int word) {
  return static_cast<Word>(std::min(static_cast<unsigned>(word), 255U));
}

// The words that ask about a motet_collective. What does not exist is refused by those who read
// them.
inline Arguments arguments_for(int collective) {
  constexpr Collective uneven[] = {Collective::allgather, Collective::reduce_scatter,
                                   Collective::alltoall, Collective::gather, Collective::scatter};
  const auto number = static_cast<unsigned>(collective);
  constexpr unsigned first = motet_collective_allgatherv;
  if (number < first || number - first >= std::size(uneven)) {
    return {.collective = from<Collective>(collective)};
  }
  return {.collective = uneven[number - first], .form = Form::uneven};
}

// A v-form with the caller's words, up to the status.
motet_status run_uneven(const Arguments& arguments, motet_comm* comm, const motet_call* call);

motet_plan* bind(Communicator& communicator, const Arguments& arguments);

// Of this thread's last failed call.
std::string& last_error() noexcept;
// Of the exception that is being handled.
motet_status status_of_exception() noexcept;

// Runs `body`, turning exceptions into a status and a text.
template <class Body>
[[gnu::always_inline]] inline motet_status guarded(Body&& body) noexcept {
  try {
    if (is_forked_child()) {
      throw Error(
          ErrorCode::unavailable,
          "this process was forked from one that uses Motet: start a new program with exec");
    }
    body();
    return motet_ok;
  } catch (...) {
    return status_of_exception();
  }
}

// Throw Error{invalid_argument}.
[[noreturn]] void refuse(const std::string& why);
[[noreturn]] void refuse_null(const char* what);

inline void require(const void* pointer, const char* what) {
  if (pointer == nullptr) refuse_null(what);
}

// Structs begin with their size, so that older callers have fewer members: those they lack are
// zero.
template <class T>
T read_struct(const T* given, const char* what) {
  T result{};
  if (given == nullptr) return result;
  if (given->size < sizeof(size_t) || given->size > 4096) {
    refuse(
        fmt::format("{}: its member `size` is {}: set it to sizeof({})", what, given->size, what));
  }
  std::memcpy(&result, given, std::min(given->size, sizeof result));
  return result;
}

}  // namespace motet
