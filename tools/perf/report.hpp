// How results are printed: a table for people, JSON lines or CSV for programs.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "measure.hpp"
#include "options.hpp"

namespace motet_perf {

// Where and with what it ran.
struct Setting {
  std::string version, commit, machine, transport;
  int ranks, nodes;
  bool fresh;
  bool planned = false;
  std::string replay{};  // the file; "": none
};

struct Placed {
  Timing timing;
  std::optional<std::int64_t> wrong;  // elements over all ranks; none: not checked
};

struct Result {
  CollectiveRow row;
  TypeRow type;
  OpRow op;
  int root;
  int skew_percent;  // of v-forms
  std::size_t bytes, count;
  std::string algorithm;
  double predicted_us, bound_us;  // the library's word; 0: none
  Placed out_of_place;
  std::optional<Placed> in_place;
};

// All calls of a replay as the file has them. Bytes are those of its rows together.
struct StepResult {
  std::size_t calls, bytes;
  double bus_bytes;      // each call's times its bus factor
  double one_by_one_us;  // what its rows took, each alone and placed as in the step
  Placed placed;
};

// 1e9 bytes per second; 0 when no time passed or no bytes moved.
double algbw_gbps(std::size_t bytes, double time_us);

class Report {
 public:
  virtual ~Report() = default;
  virtual void begin(const Setting& setting) = 0;
  virtual void add(const Result& result) = 0;
  virtual void add(const StepResult& step) = 0;
  virtual void end(std::int64_t wrong, bool checked) = 0;
};

// Writes to `file`, which must outlive it.
std::unique_ptr<Report> make_report(Format format, std::FILE* file);

// "Intel(R) Xeon(R) ..., 2 cores, host name".
std::string describe_machine();

}  // namespace motet_perf
