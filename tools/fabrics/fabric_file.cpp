#include "fabrics/fabric_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.hpp"

namespace motet {
namespace {

namespace fs = std::filesystem;

// Where this was built if that is still there, so that a build sees what it is about to install;
// and from where this program lies, so that the installed tree may be moved.
std::array<fs::path, 2> folders() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  return {MOTET_FABRICS_BUILT, program.parent_path() / MOTET_FABRICS_FROM_PROGRAMS};
}

constexpr std::string_view extension = ".fabric";

fs::path find(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(extension)) return name;
  std::error_code ignored;
  for (const fs::path& folder : folders()) {
    fs::path path = folder / (name + std::string(extension));
    if (fs::exists(path, ignored)) return path;
  }
  throw Error(ErrorCode::unavailable,
              fmt::format("there is no fabric '{}': give a path, or one of {}", name,
                          fmt::join(installed_fabrics(), ", ")));
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  std::error_code missing;
  if (!file || fs::is_directory(path, missing)) {
    throw Error(ErrorCode::unavailable, fmt::format("cannot read {}", path.string()));
  }
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Fabric load_fabric(const std::string& name, std::span<const std::string> settings) {
  const fs::path path = find(name);
  try {
    return Fabric::from_text(read(path), settings);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    throw Error(error.code(), fmt::format("{}: {}", path.string(), error.what()));
  }
}

std::vector<std::string> installed_fabrics() {
  std::set<std::string> names;
  std::error_code missing;
  for (const fs::path& folder : folders()) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing)) {
      if (entry.path().extension() == extension) names.insert(entry.path().stem());
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace motet
