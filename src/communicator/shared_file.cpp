#include "communicator/shared_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace motet {
namespace {

constexpr std::size_t longest = 8 << 20;  // it travels to every rank, and may have a line for each

}  // namespace

SharedFile read_shared_file(const std::string& path) {
  SharedFile file{path, {}, {}};
  if (path.empty()) return file;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    file.problem = std::strerror(errno);
    return file;
  }
  file.text.resize(longest + 1);
  stream.read(file.text.data(), static_cast<std::streamsize>(file.text.size()));
  file.text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) file.problem = "it cannot be read";
  if (file.text.size() > longest) {
    file.problem = fmt::format("it is longer than {} bytes", longest);
    file.text.clear();
  }
  return file;
}

}  // namespace motet
