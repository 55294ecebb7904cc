#include "topology/fabric_settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "topology/amounts.hpp"

namespace motet {
namespace {

// One of them, being read.
struct Setting {
  explicit Setting(const std::string& text)
      : what(fmt::format("fabric: setting '{}'", text.substr(0, 80))), reader(what, text) {
    name = reader.peek_word();
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

  // Steps over the name to its value.
  Reader& value() {
    reader.word("the name of a setting");
    if (!reader.take('=')) reader.fail("'=' and a value");
    return reader;
  }
  void end() const {
    if (!reader.at_end()) reader.fail("the end");
  }

  std::string what;
  Reader reader;
  std::string_view name;
};

std::int64_t* count_named(TopologyShape& shape, std::string_view name) {
  if (name == "ranks") return &shape.ranks;
  for (TopologyShape::Level& level : shape.levels) {
    if (name == level.tier || name == level.tier + "s") return &level.count;
  }
  return nullptr;
}

std::vector<std::string> names(const FabricDescription& fabric) {
  std::vector<std::string> all{"reduce", "copy", "overhead"};
  if (fabric.shape) {
    all.emplace_back("ranks");
    for (const auto& level : fabric.shape->levels) all.push_back(level.tier + "s");
  }
  for (const LinkClass& kind : fabric.classes) {
    all.push_back(kind.name);
    all.push_back(kind.name + ".latency");
  }
  return all;
}

void set_amount(FabricDescription& fabric, Setting& setting) {
  if (setting.name == "reduce") {
    fabric.reduce = read_bandwidth(setting.value());
  } else if (setting.name == "copy") {
    fabric.copy = read_bandwidth(setting.value());
  } else if (setting.name == "overhead") {
    fabric.step_overhead = read_time(setting.value());
  } else {
    for (LinkClass& kind : fabric.classes) {
      if (setting.name == kind.name) {
        kind.bandwidth = read_bandwidth(setting.value());
        kind.table.clear();  // it was measured on another link
        return setting.end();
      }
      if (setting.name == kind.name + ".latency") {
        kind.latency = read_time(setting.value());
        return setting.end();
      }
    }
    setting.reader.one_of(names(fabric));  // which says what there is
  }
  setting.end();
}

}  // namespace

void set_counts(TopologyShape& shape, std::span<const std::string> settings) {
  for (const std::string& text : settings) {
    Setting setting(text);
    std::int64_t* const count = count_named(shape, setting.name);
    if (count == nullptr) continue;
    *count = setting.value().number("a number");
    setting.end();
  }
}

void set_amounts(FabricDescription& fabric, std::span<const std::string> settings) {
  for (const std::string& text : settings) {
    Setting setting(text);
    if (fabric.shape && count_named(*fabric.shape, setting.name) != nullptr) continue;
    set_amount(fabric, setting);
  }
}

}  // namespace motet
