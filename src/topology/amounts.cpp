#include "topology/amounts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

namespace motet {
namespace {

struct Unit {
  const char* name;
  double size;
};

// The units to print with come first, in the order of preference.
constexpr Unit bandwidth_units[] = {
    {"GB/s", 1e9},       {"B/s", 1},          {"KB/s", 1e3},       {"MB/s", 1e6},
    {"TB/s", 1e12},      {"KiB/s", 1024.},    {"MiB/s", 1048576.}, {"GiB/s", 1073741824.},
    {"Mbit/s", 1e6 / 8}, {"Gbit/s", 1e9 / 8}, {"Tbit/s", 1e12 / 8}};
constexpr Unit time_units[] = {{"us", 1e-6}, {"s", 1}, {"ns", 1e-9}, {"ms", 1e-3}};
constexpr Unit byte_units[] = {{"GiB", 1073741824.}, {"MiB", 1048576.}, {"KiB", 1024.}, {"B", 1},
                               {"KB", 1e3},          {"MB", 1e6},       {"GB", 1e9}};

std::vector<std::string> names(std::span<const Unit> units) {
  std::vector<std::string> all;
  for (const Unit& unit : units) all.emplace_back(unit.name);
  return all;
}

struct Kind {
  std::span<const Unit> units;
  const char* example;
  double least, most;
};

constexpr Kind bandwidths{bandwidth_units, "a bandwidth such as 12.5 GB/s", 1, 1e15};
constexpr Kind times{time_units, "a time such as 2.5 us", 0, 1e6};
constexpr Kind sizes{byte_units, "a size such as 64 KiB", 0, 1e18};

// "GB/s" is two words and what is between.
std::size_t read_unit(Reader& reader, std::span<const Unit> units) {
  const Reader before = reader;
  std::string found(reader.peek_word());
  if (!found.empty()) reader.word("a unit");
  if (reader.take('/')) found += fmt::format("/{}", reader.word("'s'"));
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (found == units[i].name) return i;
  }
  Reader again = before;
  again.one_of(names(units));  // which says what is wrong, but for a unit that is too long
  before.fail(fmt::format("one of the units {}", fmt::join(names(units), ", ")));
}

double read(Reader& reader, const Kind& kind) {
  const Reader before = reader;
  const double number = reader.decimal(kind.example);
  const double value = number * kind.units[read_unit(reader, kind.units)].size;
  if (!(value >= kind.least)) {
    before.fail(fmt::format("{}, {} or more", kind.example, kind.least > 0 ? "1 B/s" : "0"));
  }
  if (value > kind.most) before.fail(fmt::format("{}, less than that", kind.example));
  return value;
}

std::string print(double value, const Kind& kind, double smallest) {
  for (const Unit& unit : kind.units) {
    const double number = value / unit.size;
    if (number >= smallest && number * unit.size == value) {
      return fmt::format("{} {}", number, unit.name);
    }
  }
  const Unit* one = kind.units.data();
  while (one->size != 1) ++one;
  return fmt::format("{} {}", value, one->name);
}

}  // namespace

Bandwidth read_bandwidth(Reader& reader) {
  return {read(reader, bandwidths)};
}
Seconds read_time(Reader& reader) {
  return Seconds(read(reader, times));
}
double read_bytes(Reader& reader) {
  return read(reader, sizes);
}

std::string to_text(Bandwidth bandwidth) {
  return print(bandwidth.bytes_per_second, bandwidths, 1e-3);
}
std::string to_text(Seconds time) {
  return print(time.count(), times, 0);
}
std::string bytes_to_text(double bytes) {
  return print(bytes, sizes, 1);
}

}  // namespace motet
