#include "planner/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "algorithms/list.hpp"
#include "topology/amounts.hpp"
#include "topology/reader.hpp"

namespace motet {
namespace {

// Keep a slip of the keyboard from taking all memory.
constexpr std::size_t most_points = 64;
constexpr std::size_t most_lines = 100'000;
constexpr int most_ranks = 1 << 20;

template <class Value>
std::vector<std::string> names(int count) {
  std::vector<std::string> all;
  all.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) all.emplace_back(name(static_cast<Value>(i)));
  return all;
}

class TuningReader {
 public:
  explicit TuningReader(std::string_view text) : reader_("tuning", text) {}

  Tuning read() {
    for (std::size_t lines = 0; !reader_.at_end(); ++lines) {
      if (lines == most_lines) reader_.fail("at most 100000 lines");
      line_ = reader_.line();
      read_line();
      if (reader_.on_line(line_)) reader_.fail("the end of the line");
    }
    return std::move(tuning_);
  }

 private:
  void read_line() {
    CostModel& model = tuning_.model;
    switch (reader_.one_of({"machine", "latency", "message", "crowded", "copy", "reduce", "type",
                            "switch", "nic", "use", "measured"})) {
      case 0:
        tuning_.machine = word("a machine's hash");
        break;
      case 1: {
        LinkCost& link = read_link();
        link.latency = read_time(reader_);
        break;
      }
      case 2: {
        LinkCost& link = read_link();
        link.message = read_table();
        break;
      }
      case 3: {
        LinkCost& link = read_link();
        link.crowded = read_time(reader_);
        break;
      }
      case 4:
        model.copy = read_table();
        break;
      case 5:
        model.reduce = read_table();
        break;
      case 6: {
        const std::size_t type = reader_.one_of(names<DataType>(data_type_count));
        model.type_factor[type] = factor();
        break;
      }
      case 7:
        model.context_switch = read_time(reader_);
        break;
      case 8:
        model.nic = read_bandwidth(reader_);
        break;
      case 9:
        read_preference();
        break;
      default:
        read_measured();
    }
  }

  std::string word(std::string_view expected) {
    if (!reader_.on_line(line_)) reader_.fail(expected);
    return std::string(reader_.word(expected));
  }
  double factor() {
    const Reader before = reader_;
    const double value = reader_.decimal("a factor such as 2.5");
    if (!(value > 0 && value <= 1e6)) before.fail("a factor such as 2.5");
    return value;
  }
  TransportClass read_class() {
    return static_cast<TransportClass>(reader_.one_of({"shared_memory", "network"}));
  }
  LinkCost& read_link() {
    const bool shares_memory = read_class() == TransportClass::shared_memory;
    return shares_memory ? tuning_.model.shared_memory : tuning_.model.network;
  }
  TimeTable read_table() {
    std::vector<TimeTable::Point> points;
    do {
      const Reader before = reader_;
      const double bytes = read_bytes(reader_);
      const Seconds time = read_time(reader_);
      if (points.size() == most_points) before.fail("at most 64 points");
      if (points.empty() && bytes != 0) before.fail("a first point at 0 B");
      if (!points.empty() && bytes <= points.back().bytes) before.fail("points by ascending bytes");
      if (!points.empty() && time < points.back().time) before.fail("a time no less than before");
      points.push_back({bytes, time});
    } while (reader_.take(','));
    if (points.size() < 2) reader_.fail("',' and a second point");
    return TimeTable(std::move(points));
  }

  int ranks(std::string_view expected) {
    const Reader before = reader_;
    const std::int64_t value = reader_.number(expected);
    if (value < 1 || value > most_ranks) before.fail(expected);
    return static_cast<int>(value);
  }
  Where read_place() {
    Where where;
    where.collective = static_cast<Collective>(reader_.one_of(names<Collective>(collective_count)));
    where.nodes = ranks("a number of nodes");
    reader_.one_of({"x"});
    where.local = ranks("a number of ranks per node");
    where.within_nodes = read_class();
    where.least_bytes = where.most_bytes = read_bytes(reader_);
    return where;
  }
  std::string algorithm(Collective collective) {
    std::vector<std::string> known;
    for (const Algorithm* algorithm : algorithms_for(collective)) {
      known.emplace_back(algorithm->name);
    }
    return known[reader_.one_of(known)];
  }
  void read_preference() {
    Preference preference;
    preference.where = read_place();
    reader_.one_of({"to"});
    const Reader before = reader_;
    preference.where.most_bytes = read_bytes(reader_);
    if (preference.where.most_bytes < preference.where.least_bytes) {
      before.fail("as many bytes or more");
    }
    preference.algorithm = algorithm(preference.where.collective);
    while (reader_.on_line(line_)) read_parameter(preference);
    tuning_.preferences.push_back(std::move(preference));
  }
  void read_parameter(Preference& preference) {
    if (!preference.params) preference.params.emplace();
    const std::size_t which = reader_.one_of({"chunks", "channels", "around_percent", "trees"});
    if (!reader_.take('=')) reader_.fail("'='");
    const Reader before = reader_;
    const std::int64_t value = reader_.number("a number");
    const auto between = [&](int least, int most) {
      if (value < least || value > most) before.fail(fmt::format("{} to {}", least, most));
      return static_cast<int>(value);
    };
    if (which == 0) preference.params->chunks = between(1, 1024);
    if (which == 1) preference.params->channels = between(1, max_channels);
    if (which == 2) preference.params->around_percent = between(0, 100);
    if (which == 3) preference.params->trees = between(0, 64);
  }
  void read_measured() {
    Measured measured;
    measured.where = read_place();
    measured.algorithm = algorithm(measured.where.collective);
    measured.time = read_time(reader_);
    tuning_.measured.push_back(std::move(measured));
  }

  Reader reader_;
  int line_ = 1;
  Tuning tuning_;
};

std::string table_text(const TimeTable& table) {
  std::string text;
  for (const TimeTable::Point& point : table.points()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", bytes_to_text(point.bytes),
                        to_text(point.time));
  }
  return text;
}

std::string place_text(const Where& where) {
  const bool shares_memory = where.within_nodes == TransportClass::shared_memory;
  return fmt::format("{} {} x {} {} {}", name(where.collective), where.nodes, where.local,
                     shares_memory ? "shared_memory" : "network", bytes_to_text(where.least_bytes));
}

std::string model_text(const CostModel& model) {
  std::string text;
  for (const auto& [kind, link] :
       {std::pair("shared_memory", &model.shared_memory), std::pair("network", &model.network)}) {
    text += fmt::format("latency {} {}\n", kind, to_text(link->latency));
    text += fmt::format("message {} {}\n", kind, table_text(link->message));
    text += fmt::format("crowded {} {}\n", kind, to_text(link->crowded));
  }
  text += fmt::format("copy {}\nreduce {}\n", table_text(model.copy), table_text(model.reduce));
  for (std::size_t i = 0; i < model.type_factor.size(); ++i) {
    if (model.type_factor[i] == 1) continue;
    text += fmt::format("type {} {}\n", name(static_cast<DataType>(i)), model.type_factor[i]);
  }
  text += fmt::format("switch {}\n", to_text(model.context_switch));
  if (model.nic) text += fmt::format("nic {}\n", to_text(*model.nic));
  return text;
}

std::string preference_text(const Preference& preference) {
  std::string text = fmt::format("use {} to {}  {}", place_text(preference.where),
                                 bytes_to_text(preference.where.most_bytes), preference.algorithm);
  if (preference.params) {
    const Params& params = *preference.params;
    text += fmt::format(" chunks={} channels={} around_percent={} trees={}", params.chunks,
                        params.channels, params.around_percent, params.trees);
  }
  return text + "\n";
}

}  // namespace

bool Where::covers(const Problem& problem, const Machine& machine) const {
  const double bytes = static_cast<double>(total_bytes(problem));
  return collective == problem.collective && within_nodes == machine.within_nodes &&
         nodes == problem.topology.node_count() &&
         std::int64_t{nodes} * local == problem.world_size() && problem.topology.uniform_nodes() &&
         bytes >= least_bytes && bytes <= most_bytes;
}

Tuning Tuning::from_text(std::string_view text) {
  return TuningReader(text).read();
}

std::string Tuning::to_text() const {
  std::string text = machine.empty() ? "" : fmt::format("machine {}\n", machine);
  text += model_text(model);
  for (const Preference& preference : preferences) text += preference_text(preference);
  for (const Measured& row : measured) {
    text += fmt::format("measured {}  {} {}\n", place_text(row.where), row.algorithm,
                        motet::to_text(row.time));
  }
  return text;
}

}  // namespace motet
