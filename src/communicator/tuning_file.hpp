// The tuning file of a job: rank 0 reads it, all ranks go by its text.
#pragma once

#include <string>

#include "base/options.hpp"
#include "planner/tuning.hpp"

namespace motet {

// As rank 0 has found it. Empty: none.
struct TuningFile {
  std::string path, text;
  std::string problem;  // why it cannot be read
};

// The one that MOTET_TUNING names, if any. Never throws: all ranks are to say what is wrong.
TuningFile read_tuning_file(const Options& options);

// Throws Error{invalid_argument} that names the file and, in its text, line and column.
Tuning tuning_of(const TuningFile& file, Rank me);

}  // namespace motet
