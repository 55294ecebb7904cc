// What is printed: an object or a line of a table for each measured number.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace motet_limits {

// `what` first, then the axes, then the numbers with their units in the keys.
using Line = nlohmann::ordered_json;

enum class Format : std::uint8_t { table, json };

class Report {
 public:
  explicit Report(Format format) : format_(format) {}

  // A table gets a new heading where the keys change.
  void add(const Line& line);

 private:
  void add_to_table(const Line& line);

  Format format_;
  std::vector<std::string> columns_;
};

}  // namespace motet_limits
