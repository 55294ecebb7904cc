// A file that the user names and rank 0 reads; all ranks go by its text.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/types.hpp"

namespace motet {

// As rank 0 has found it. Empty: none is named.
struct SharedFile {
  std::string path, text;
  std::string problem;  // why it cannot be read
};

// None for an empty path. Never throws: all ranks are to say what is wrong.
SharedFile read_shared_file(const std::string& path);

// What `read` makes of the text. Throws Error{invalid_argument} that names the file, and what
// `read` complains of. `what`: "tuning file".
template <class Read>
auto read_from(const SharedFile& file, std::string_view what, Rank me, Read&& read) {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorCode::invalid_argument,
                 fmt::format("rank {}: joining: {} {} of rank 0: {}", me, what, file.path, why));
  };
  if (!file.problem.empty()) throw refuse(file.problem);
  try {
    return read(file.text);
  } catch (const Error& error) {
    throw refuse(error.what());
  }
}

}  // namespace motet
