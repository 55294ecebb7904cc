// What failed in the outside world during set-up, or an argument that makes no sense.
// In flight nothing throws: a communicator that fails keeps the cause as a value
// (execute/context.hpp).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace motet {

// The numbers are those of motet_status in motet.h.
enum class ErrorCode : int {
  invalid_argument = 1,
  unavailable,
  timeout,
  peer_lost,
  aborted,
  system
};

std::string_view name(ErrorCode code) noexcept;

// The message names rank, peer, transport and call: it is written for a person who did not write
// the program.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// Error{system} with the text of `error_number` appended: "bind to port 80: Permission denied".
[[nodiscard]] Error system_error(const std::string& what, int error_number);

}  // namespace motet
