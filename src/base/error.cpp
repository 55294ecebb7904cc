#include "base/error.hpp"

#include <system_error>

namespace motet {

std::string_view name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid argument";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::peer_lost:
      return "peer lost";
    case ErrorCode::aborted:
      return "aborted";
    case ErrorCode::system:
      return "system";
  }
  return "unknown";
}

Error system_error(const std::string& what, int error_number) {
  return Error(ErrorCode::system, what + ": " + std::generic_category().message(error_number));
}

}  // namespace motet
