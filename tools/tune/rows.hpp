// One measured time, and files of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace motet_tune {

// The median over rounds.
struct Row {
  std::string collective, algorithm;
  std::size_t count = 0;  // as motet.h counts
  int ranks = 0;
  std::string transport;
  double time_us = 0;
};

// One JSON object a line. Throw std::runtime_error.
void write_rows(const std::string& path, const std::vector<Row>& rows);
std::vector<Row> read_rows(const std::string& path);

}  // namespace motet_tune
