#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "topology/records.hpp"
#include "topology/survey.hpp"
#include "topology/survey_fields.hpp"

namespace motet {
namespace {

// Far above any machine, far below what would take all memory.
constexpr std::size_t most_machines = 1 << 16;
constexpr std::size_t most_of_a_kind = 4096;
constexpr std::size_t most_ranks = 1 << 20;
constexpr std::size_t most_words = 64;
constexpr int most_number = 1 << 24;

// ---- printing

std::string printed(int number) {
  return std::to_string(number);
}
std::string printed(std::uint64_t number) {
  return std::to_string(number);
}
std::string printed(double number) {
  return fmt::format("{}", number);
}
std::string printed(const std::string& text) {
  return quoted_if_needed(text);
}
std::string printed(const CpuSet& cpus) {
  return cpus.to_list();
}
std::string printed(NicKind kind) {
  return std::string(name(kind));
}
std::string printed(AcceleratorKind kind) {
  return std::string(name(kind));
}
std::string printed(const std::vector<std::string>& words) {
  return quoted_if_needed(fmt::format("{}", fmt::join(words, ",")));
}

// " key=value" for each field that says something: others read back as they began.
template <class Value>
std::string printed_record(std::string_view word, const Value& value) {
  std::string text(word);
  const Value nothing{};
  std::vector<std::string> defaults;
  fields_of(nothing,
            [&](std::string_view, const auto& field) { defaults.push_back(printed(field)); });
  std::size_t index = 0;
  fields_of(value, [&](std::string_view key, const auto& field) {
    const std::string now = printed(field);
    if (now != defaults[index++]) text += fmt::format(" {}={}", key, now);
  });
  return text + "\n";
}

template <class Value>
void print_all(std::string& text, std::string_view word, const std::vector<Value>& values) {
  for (const Value& value : values) text += printed_record(word, value);
}

std::string printed_machine(const Hardware& machine) {
  std::string text = "machine";
  if (!machine.product.empty()) text += " product=" + quoted_if_needed(machine.product);
  text += '\n';
  print_all(text, "package", machine.packages);
  print_all(text, "numa", machine.numa_nodes);
  print_all(text, "cache", machine.caches);
  print_all(text, "switch", machine.switches);
  print_all(text, "nic", machine.nics);
  print_all(text, "accelerator", machine.accelerators);
  for (const std::string& what : machine.unknown) {
    text += fmt::format("unknown what={}\n", quoted_if_needed(what));
  }
  return text;
}

// ---- reading

class SurveyReader {
 public:
  explicit SurveyReader(std::string_view text) : records_(text, "survey") {}

  Survey read() {
    while (auto record = records_.next()) read_record(*record);
    return std::move(survey_);
  }

 private:
  void read_record(const Record& record) {
    if (record.word == "machine") return read_machine(record);
    if (record.word == "rank") return read_rank(record);
    if (survey_.machines.empty()) records_.fail(record.spot, "'machine'", record.word);
    Hardware& machine = survey_.machines.back();
    if (record.word == "package") return read_into(machine.packages, record);
    if (record.word == "numa") return read_into(machine.numa_nodes, record);
    if (record.word == "cache") return read_into(machine.caches, record);
    if (record.word == "switch") return read_place(machine.switches, record, machine);
    if (record.word == "nic") return read_place(machine.nics, record, machine);
    if (record.word == "accelerator") return read_place(machine.accelerators, record, machine);
    if (record.word == "unknown") return read_unknown(machine, record);
    records_.fail(record.spot,
                  "machine, package, numa, cache, switch, nic, accelerator, unknown or rank",
                  record.word);
  }

  void read_machine(const Record& record) {
    if (!survey_.seats.empty())
      records_.fail(record.spot, "all machines before the ranks", "machine");
    if (survey_.machines.size() == most_machines) {
      records_.fail(record.spot, fmt::format("at most {} machines", most_machines), "one more");
    }
    survey_.machines.emplace_back();
    for (const Field& field : record.fields) {
      if (field.key != "product") records_.fail(field.spot, "product", field.key);
      survey_.machines.back().product = field.value;
    }
  }

  void read_rank(const Record& record) {
    if (survey_.seats.size() == most_ranks) {
      records_.fail(record.spot, fmt::format("at most {} ranks", most_ranks), "one more");
    }
    Seat seat;
    read_fields(seat, record);
    const auto machines = static_cast<int>(survey_.machines.size());
    if (seat.machine < 0 || seat.machine >= machines) {
      records_.fail(record.spot, fmt::format("a rank on a machine below {}", machines),
                    fmt::format("machine={}", seat.machine));
    }
    survey_.seats.push_back(std::move(seat));
  }

  void read_unknown(Hardware& machine, const Record& record) {
    check_room(machine.unknown.size(), record);
    for (const Field& field : record.fields) {
      if (field.key != "what") records_.fail(field.spot, "what", field.key);
      machine.unknown.push_back(field.value);
    }
  }

  template <class Value>
  void read_into(std::vector<Value>& values, const Record& record) {
    check_room(values.size(), record);
    read_fields(values.emplace_back(), record);
  }

  template <class Value>
  void read_place(std::vector<Value>& values, const Record& record, const Hardware& machine) {
    read_into(values, record);
    // A switch hangs below earlier ones only, so that going up ends.
    const std::size_t switches = machine.switches.size() - (record.word == "switch" ? 1 : 0);
    const int below = values.back().place.below;
    if (below >= static_cast<int>(switches)) {
      records_.fail(record.spot, fmt::format("a switch that is listed before (below {})", switches),
                    fmt::format("switch={}", below));
    }
  }

  void check_room(std::size_t count, const Record& record) const {
    if (count < most_of_a_kind) return;
    records_.fail(record.spot, fmt::format("at most {} of a machine", most_of_a_kind), record.word);
  }

  template <class Value>
  void read_fields(Value& value, const Record& record) const {
    for (const Field& field : record.fields) {
      bool known = false;
      fields_of(value, [&](std::string_view key, auto& into) {
        if (key != field.key) return;
        known = true;
        parse(field, into);
      });
      if (!known) records_.fail(field.spot, keys_of(value), field.key);
    }
  }

  template <class Value>
  static std::string keys_of(const Value& value) {
    std::vector<std::string_view> keys;
    fields_of(value, [&](std::string_view key, const auto&) { keys.push_back(key); });
    return fmt::format("{}", fmt::join(keys, ", "));
  }

  template <class Number>
  Number number(const Field& field, Number least, Number most) const {
    Number value{};
    const char* const end = field.value.data() + field.value.size();
    const auto [rest, failure] = std::from_chars(field.value.data(), end, value);
    if (failure != std::errc{} || rest != end || !(value >= least && value <= most)) {
      records_.fail(field.value_spot, fmt::format("a number from {} to {}", least, most),
                    field.value);
    }
    return value;
  }

  void parse(const Field& field, int& into) const { into = number(field, -1, most_number); }
  void parse(const Field& field, std::uint64_t& into) const {
    into = number<std::uint64_t>(field, 0, std::numeric_limits<std::uint64_t>::max());
  }
  void parse(const Field& field, double& into) const { into = number(field, 0.0, 1e6); }
  void parse(const Field& field, std::string& into) const { into = field.value; }
  void parse(const Field& field, CpuSet& into) const {
    const auto cpus = CpuSet::from_list(field.value);
    if (!cpus) records_.fail(field.value_spot, "a list of CPUs such as 0-3,8", field.value);
    into = *cpus;
  }
  void parse(const Field& field, NicKind& into) const {
    into = kind<NicKind, nic_kind_count>(field);
  }
  void parse(const Field& field, AcceleratorKind& into) const {
    into = kind<AcceleratorKind, accelerator_kind_count>(field);
  }
  template <class Kind, int count>
  Kind kind(const Field& field) const {
    std::string names;
    for (int i = 0; i < count; ++i) {
      const std::string_view known = name(static_cast<Kind>(i));
      if (known == field.value) return static_cast<Kind>(i);
      names += fmt::format("{}{}", names.empty() ? "" : ", ", known);
    }
    records_.fail(field.value_spot, names, field.value);
  }
  void parse(const Field& field, std::vector<std::string>& into) const {
    into.clear();
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(','));
      if (word.empty() || into.size() == most_words) {
        records_.fail(field.value_spot, fmt::format("at most {} words, with commas", most_words),
                      field.value);
      }
      into.emplace_back(word);
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    }
  }

  RecordReader records_;
  Survey survey_;
};

}  // namespace

Survey Survey::from_text(std::string_view text) {
  return SurveyReader(text).read();
}

std::string Survey::to_text() const {
  std::string text;
  for (const Hardware& machine : machines) text += printed_machine(machine);
  for (const Seat& seat : seats) text += printed_record("rank", seat);
  return text;
}

}  // namespace motet
