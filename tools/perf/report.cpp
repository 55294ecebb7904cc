#include "report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace motet_perf {
namespace {

std::string time_text(double us) {
  if (us < 100) return fmt::format("{:.2f}", us);
  return us < 10'000 ? fmt::format("{:.1f}", us) : fmt::format("{:.0f}", us);
}

std::string wrong_text(const Placed& placed) {
  return placed.wrong ? std::to_string(*placed.wrong) : "-";
}

const char* op_text(const Result& result) {
  return result.row.reduces ? result.op.name.data() : "-";
}

std::string root_text(const Result& result) {
  return result.row.has_root ? std::to_string(result.root) : "-";
}

struct Bandwidths {
  double algbw, busbw;
};
Bandwidths bandwidths(const Result& result, const Placed& placed, int ranks) {
  const double algbw = algbw_gbps(result.bytes, placed.timing.median_us);
  return {algbw, algbw * bus_factor(result.row.kind, ranks)};
}
Bandwidths bandwidths(const StepResult& step) {
  const double us = step.placed.timing.median_us;
  return {algbw_gbps(step.bytes, us), us > 0 ? step.bus_bytes / us / 1e3 : 0};
}

class Table : public Report {
 public:
  explicit Table(std::FILE* file) : file_(file) {}

  void begin(const Setting& setting) override {
    ranks_ = setting.ranks;
    fmt::print(file_, "# motet-perf {} (commit {}): {} ranks on {} node{} over {}\n",
               setting.version, setting.commit, setting.ranks, setting.nodes,
               setting.nodes == 1 ? "" : "s", setting.transport);
    if (!setting.replay.empty()) fmt::print(file_, "# replay of {}\n", setting.replay);
    fmt::print(file_, "# machine: {}\n", setting.machine);
    fmt::print(file_,
               "# time: of one call, slowest rank, median and 99th percentile over batches; "
               "GB = 1e9 bytes; inputs {}{}\n",
               setting.fresh ? "fresh" : "hot", setting.planned ? "; by plans" : "");
    std::fflush(file_);
  }

  void add(const Result& result) override {
    if (result.row.name != current_) print_heading(result);
    fmt::print(file_, "{:>12} {:>12} {:>9} {:>5} {:>4}", result.bytes, result.count,
               result.type.name, op_text(result), root_text(result));
    print(result.out_of_place, bandwidths(result, result.out_of_place, ranks_));
    if (result.in_place) print(*result.in_place, bandwidths(result, *result.in_place, ranks_));
    const std::string predicted = result.predicted_us > 0 ? time_text(result.predicted_us) : "-";
    fmt::print(file_, " {:>9}  {}\n", predicted, result.algorithm);
    std::fflush(file_);
  }

  void add(const StepResult& step) override {
    fmt::print(file_, "#\n# the step\n#{:>11} {:>12} {:>20} {} {:>10}\n", "bytes", "calls", "",
               placed_heading(true), "one by one");
    fmt::print(file_, "#{:>45} {} {:>10}\n", "", placed_heading(false), "us");
    fmt::print(file_, "{:>12} {:>12} {:>20}", step.bytes, step.calls, "");
    print(step.placed, bandwidths(step));
    fmt::print(file_, " {:>10}\n", time_text(step.one_by_one_us));
    std::fflush(file_);
  }

  void end(std::int64_t wrong, bool checked) override {
    if (!checked) fmt::print(file_, "# results were not checked\n");
    if (checked && wrong == 0) fmt::print(file_, "# all results right\n");
    if (wrong != 0) fmt::print(file_, "# WRONG: {} elements\n", wrong);
  }

 private:
  static constexpr int placed_width = 44;

  static std::string placed_heading(bool names) {
    const auto line = [](std::array<const char*, 5> c) {
      return fmt::format("{:>9} {:>9} {:>8} {:>8} {:>6}", c[0], c[1], c[2], c[3], c[4]);
    };
    return names ? line({"time", "p99", "algbw", "busbw", "#wrong"})
                 : line({"us", "us", "GB/s", "GB/s", ""});
  }

  void print_heading(const Result& result) {
    current_ = result.row.name;
    const std::string skew =
        result.row.uneven ? fmt::format(" (skew {} %)", result.skew_percent) : "";
    fmt::print(file_, "#\n# {}{}\n", result.row.name, skew);
    const bool both = result.in_place.has_value();
    fmt::print(file_, "#{:>45}{:^{}}{:^{}}\n", "", "out of place", placed_width,
               both ? "in place" : "", placed_width);
    const auto blocks = [both](bool names) {
      const std::string one = placed_heading(names);
      return both ? fmt::format("{} {}", one, one) : one;
    };
    fmt::print(file_, "#{:>11} {:>12} {:>9} {:>5} {:>4} {} {:>9}  {}\n", "bytes", "count", "type",
               "op", "root", blocks(true), "predicted", "algorithm");
    fmt::print(file_, "#{:>45} {} {:>9}\n", "", blocks(false), "us");
  }

  void print(const Placed& placed, const Bandwidths& bandwidths) {
    fmt::print(file_, " {:>9} {:>9} {:>8.2f} {:>8.2f} {:>6}", time_text(placed.timing.median_us),
               time_text(placed.timing.p99_us), bandwidths.algbw, bandwidths.busbw,
               wrong_text(placed));
  }

  std::FILE* file_;
  int ranks_ = 1;
  std::string_view current_;
};

// What both program formats say about one placement; null becomes "" in CSV.
nlohmann::ordered_json record(const Setting& setting, const Result& result, const Placed& placed,
                              bool in_place) {
  const auto [algbw, busbw] = bandwidths(result, placed, setting.ranks);
  nlohmann::ordered_json line;
  line["collective"] = result.row.name;
  line["ranks"] = setting.ranks;
  line["nodes"] = setting.nodes;
  line["bytes"] = result.bytes;
  line["count"] = result.count;
  line["type"] = result.type.name;
  line["op"] = result.row.reduces ? nlohmann::ordered_json(result.op.name) : nullptr;
  line["root"] = result.row.has_root ? nlohmann::ordered_json(result.root) : nullptr;
  line["skew_percent"] = result.row.uneven ? nlohmann::ordered_json(result.skew_percent) : nullptr;
  line["in_place"] = in_place;
  line["fresh"] = setting.fresh;
  line["planned"] = setting.planned;
  line["replay"] = setting.replay.empty() ? nlohmann::ordered_json(nullptr)
                                          : nlohmann::ordered_json(setting.replay);
  line["time_us_median"] = placed.timing.median_us;
  line["time_us_p99"] = placed.timing.p99_us;
  line["batches"] = placed.timing.batches;
  line["batch_calls"] = placed.timing.batch_calls;
  line["algbw_gbps"] = algbw;
  line["busbw_gbps"] = busbw;
  line["wrong"] = placed.wrong ? nlohmann::ordered_json(*placed.wrong) : nullptr;
  const auto known = [](double us) {
    return us > 0 ? nlohmann::ordered_json(us) : nlohmann::ordered_json(nullptr);
  };
  line["predicted_us"] = known(result.predicted_us);
  line["bound_us"] = known(result.bound_us);
  line["share_of_bound"] =
      known(placed.timing.median_us > 0 ? result.bound_us / placed.timing.median_us : 0);
  line["algorithm"] = result.algorithm;
  line["transport"] = setting.transport;
  line["machine"] = setting.machine;
  line["commit"] = setting.commit;
  return line;
}

// The same keys, so that all rows of a CSV have them; what only one call has is null.
nlohmann::ordered_json record(const Setting& setting, const StepResult& step) {
  Result all{};
  all.row.name = "step";
  all.bytes = step.bytes;
  nlohmann::ordered_json line = record(setting, all, step.placed, false);
  for (const char* of_a_call : {"count", "type", "in_place", "algorithm"})
    line[of_a_call] = nullptr;
  line["busbw_gbps"] = bandwidths(step).busbw;
  return line;
}

class Records : public Report {
 public:
  using Print = void (*)(std::FILE*, const nlohmann::ordered_json&, bool first);
  Records(std::FILE* file, Print print) : file_(file), print_(print) {}

  void begin(const Setting& setting) override { setting_ = setting; }

  void add(const Result& result) override {
    put(record(setting_, result, result.out_of_place, false));
    if (result.in_place) put(record(setting_, result, *result.in_place, true));
    std::fflush(file_);
  }

  void add(const StepResult& step) override {
    put(record(setting_, step));
    std::fflush(file_);
  }

  void end(std::int64_t, bool) override {}

 private:
  void put(const nlohmann::ordered_json& line) {
    print_(file_, line, first_);
    first_ = false;
  }

  std::FILE* file_;
  Print print_;
  bool first_ = true;
  Setting setting_;
};

void print_json(std::FILE* file, const nlohmann::ordered_json& line, bool) {
  fmt::print(file, "{}\n", line.dump());
}

std::string csv_field(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  std::string field = "\"";
  for (const char c : value.get<std::string>()) field += c == '"' ? "\"\"" : std::string(1, c);
  return field += '"';
}

void print_csv(std::FILE* file, const nlohmann::ordered_json& line, bool first) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const auto& [name, value] : line.items()) {
    names.push_back(name);
    values.push_back(csv_field(value));
  }
  if (first) fmt::print(file, "{}\n", fmt::join(names, ","));
  fmt::print(file, "{}\n", fmt::join(values, ","));
}

std::string cpu_model() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace

double algbw_gbps(std::size_t bytes, double time_us) {
  return time_us > 0 ? static_cast<double>(bytes) / time_us / 1e3 : 0;
}

std::unique_ptr<Report> make_report(Format format, std::FILE* file) {
  if (format == Format::json) return std::make_unique<Records>(file, print_json);
  if (format == Format::csv) return std::make_unique<Records>(file, print_csv);
  return std::make_unique<Table>(file);
}

std::string describe_machine() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("{}, {} cores, {}", cpu_model(), std::thread::hardware_concurrency(),
                     host.data());
}

}  // namespace motet_perf
