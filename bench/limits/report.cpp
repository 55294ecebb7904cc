#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace motet_limits {
namespace {

std::string text(const Line& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return value.dump();
}

// Wide enough for every value that occurs in a column of that name.
std::size_t width(const std::string& column) {
  const std::size_t widest = column == "variant" ? 32 : column == "collective" ? 14 : 9;
  return std::max(column.size(), widest);
}

std::vector<std::string> keys(const Line& line) {
  std::vector<std::string> names;
  for (const auto& [name, value] : line.items()) names.push_back(name);
  return names;
}

}  // namespace

void Report::add(const Line& line) {
  if (format_ == Format::json)
    fmt::print("{}\n", line.dump());
  else
    add_to_table(line);
  std::fflush(stdout);
}

void Report::add_to_table(const Line& line) {
  const std::vector<std::string> columns = keys(line);
  if (columns != columns_) {
    fmt::print("{}#", columns_.empty() ? "" : "\n");
    for (const std::string& column : columns) fmt::print(" {:>{}}", column, width(column));
    fmt::print("\n");
    columns_ = columns;
  }
  fmt::print(" ");
  for (const auto& [name, value] : line.items()) fmt::print(" {:>{}}", text(value), width(name));
  fmt::print("\n");
}

}  // namespace motet_limits
