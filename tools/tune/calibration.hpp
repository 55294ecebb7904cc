// From measured rows to a tuning.
#pragma once

#include <array>
#include <vector>

#include "planner/tuning.hpp"
#include "rows.hpp"

namespace motet_tune {

struct Calibration {
  motet::Tuning tuning;
  double error_before = 0, error_after = 0;  // the model's, the median of |ln(predicted/measured)|
  int cells = 0;   // a collective at a size, on some ranks over one transport
  int within = 0;  // where the model's choice is at most a tenth slower than the fastest
};

// `cores`: that the ranks may use together. The rows were measured with MOTET_TUNING=typical.
Calibration calibrate(const std::vector<Row>& rows, int cores);

// How many times as slowly as float32 each type is added up by this CPU; takes some milliseconds.
std::array<double, motet::data_type_count> measure_type_factors();

}  // namespace motet_tune
