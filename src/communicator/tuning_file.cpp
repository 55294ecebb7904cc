#include "communicator/tuning_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/error.hpp"

namespace motet {
namespace {

constexpr std::size_t longest = 1 << 20;  // it travels to every rank

}  // namespace

TuningFile read_tuning_file(const Options& options) {
  TuningFile file{.path = options.tuning, .text = {}, .problem = {}};
  if (file.path.empty() || file.path == "typical") return {};
  std::ifstream stream(file.path, std::ios::binary);
  if (!stream) {
    file.problem = std::strerror(errno);
    return file;
  }
  file.text.resize(longest + 1);
  stream.read(file.text.data(), static_cast<std::streamsize>(file.text.size()));
  file.text.resize(static_cast<std::size_t>(stream.gcount()));
  if (file.text.size() > longest) {
    file.problem = fmt::format("it is longer than {} bytes", longest);
    file.text.clear();
  }
  return file;
}

Tuning tuning_of(const TuningFile& file, Rank me) {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("rank {}: joining: tuning file {} of rank 0: {}", me, file.path, why));
  };
  if (!file.problem.empty()) refuse(file.problem);
  try {
    return Tuning::from_text(file.text);
  } catch (const Error& error) {
    refuse(error.what());
  }
  return {};
}

}  // namespace motet
