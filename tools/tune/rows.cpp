#include "rows.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace motet_tune {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Row, collective, algorithm, count, ranks, transport, time_us)

void write_rows(const std::string& path, const std::vector<Row>& rows) {
  std::ofstream file(path);
  for (const Row& row : rows) file << nlohmann::json(row).dump() << '\n';
  if (!file.flush()) throw std::runtime_error(fmt::format("{} could not be written", path));
}

std::vector<Row> read_rows(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("{} could not be read", path));
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    rows.push_back(nlohmann::json::parse(line).get<Row>());
  }
  return rows;
}

}  // namespace motet_tune
