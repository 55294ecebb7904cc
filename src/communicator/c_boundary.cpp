#include "communicator/c_boundary.hpp"

namespace motet {
namespace {

motet_status fail(motet_status status, const std::string& text) {
  last_error() = text;
  return status;
}

}  // namespace

std::string& last_error() noexcept {
  thread_local std::string text;
  return text;
}

motet_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return fail(static_cast<motet_status>(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(motet_system, "out of memory");
  } catch (const std::exception& error) {
    return fail(motet_system, error.what());
  }
}

void refuse(const std::string& why) {
  throw Error(ErrorCode::invalid_argument, why);
}

void refuse_null(const char* what) {
  refuse(std::string(what) + " is NULL");
}

}  // namespace motet
