// The text form of a fabric; docs/fabrics.md tells it to users.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "topology/amounts.hpp"
#include "topology/fabric_description.hpp"
#include "topology/fabric_settings.hpp"

namespace motet {
namespace {

// Bounds on what a slip of the keyboard, or malice, can cost.
constexpr std::size_t most_classes = 256;
constexpr std::size_t most_joins = 4096;
constexpr std::size_t most_rows = 256;
constexpr std::size_t most_others = 4096;
constexpr std::int64_t highest_child = 1 << 21;
constexpr std::int64_t most_parallel = 4096;

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> words{"mesh",  "switch", "rails", "edge",
                                              "class", "reduce", "copy",  "overhead"};
  return words;
}

class FabricReader {
 public:
  FabricReader(std::string_view text, std::span<const std::string> settings)
      : reader_("fabric", text), settings_(settings) {}

  FabricDescription read() {
    reader_.one_of({"fabric"});
    fabric_.name = reader_.word("a name");
    read_ranks();
    while (!reader_.at_end()) {
      line_ = reader_.line();
      read_line();
      if (reader_.on_line(line_)) reader_.fail("the end of the line");
    }
    set_amounts(fabric_, settings_);
    return std::move(fabric_);
  }

 private:
  void read_ranks() {
    if (reader_.peek_word() == "rank") {
      fabric_.topology = read_topology_lines(reader_);
    } else {
      reader_.one_of({"ranks", "rank"});
      fabric_.shape = read_topology_shape(reader_);
      set_counts(*fabric_.shape, settings_);
      fabric_.topology = fabric_.shape->topology();
    }
    for (const Tier& tier : fabric_.topology.tiers()) tiers_.push_back(tier.name);
    has_switch_.resize(tiers_.size(), false);
  }

  void read_line() {
    const Reader start = reader_;
    const std::string word = keywords()[reader_.one_of(keywords())];
    if (word == "class") return read_class();
    if (word == "reduce") return once(start, has_reduce_, fabric_.reduce, read_bandwidth);
    if (word == "copy") return once(start, has_copy_, fabric_.copy, read_bandwidth);
    if (word == "overhead") return once(start, has_overhead_, fabric_.step_overhead, read_time);
    if (fabric_.joins.size() == most_joins) {
      start.fail(fmt::format("at most {} lines that join", most_joins));
    }
    read_join(static_cast<Join::Kind>(std::find(keywords().begin(), keywords().end(), word) -
                                      keywords().begin()));
  }

  template <class Value>
  void once(const Reader& start, bool& seen, Value& value, Value (*read_value)(Reader&)) {
    if (seen) start.fail("this line only once");
    seen = true;
    value = read_value(reader_);
  }

  void read_class() {
    const Reader at_name = reader_;
    LinkClass kind;
    kind.name = reader_.word("the name of a class");
    if (fabric_.classes.size() == most_classes) {
      at_name.fail(fmt::format("at most {} classes", most_classes));
    }
    if (!may_name_class(kind.name)) {
      at_name.fail("a new name, which begins with a letter and has no other meaning");
    }
    kind.bandwidth = read_bandwidth(reader_);
    kind.latency = read_time(reader_);
    if (take_word("shared")) kind.sharing = Sharing::shared;
    while (reader_.take(',')) read_row(kind);
    fabric_.classes.push_back(std::move(kind));
    classes_.push_back(fabric_.classes.back().name);
  }

  bool may_name_class(const std::string& name) const {
    const auto is_one_of = [&](const std::vector<std::string>& words) {
      return std::find(words.begin(), words.end(), name) != words.end();
    };
    const bool letter = is_word_character(name.front()) && !is_digit(name.front()) &&
                        name.front() != '-' && name.front() != '.';
    const bool is_tier =
        is_one_of(tiers_) ||
        (name.ends_with('s') &&
         std::find(tiers_.begin(), tiers_.end(), name.substr(0, name.size() - 1)) != tiers_.end());
    return letter && name.find('.') == std::string::npos && !is_one_of(classes_) && !is_tier &&
           !is_one_of(keywords()) && name != "ranks";
  }

  void read_row(LinkClass& kind) {
    const Reader start = reader_;
    const Occupancy row{read_bytes(reader_), read_time(reader_)};
    if (kind.table.size() == most_rows) start.fail(fmt::format("at most {} rows", most_rows));
    const bool ascends = kind.table.empty() || (row.bytes > kind.table.back().bytes &&
                                                row.time >= kind.table.back().time);
    if (!ascends) start.fail("more bytes than in the row before, and no less time");
    // A table made with that very bandwidth may be off by a rounding.
    if (row.time < kind.bandwidth.time(row.bytes) * (1 - 1e-9)) {
      start.fail(fmt::format("a time in which {} can carry that", to_text(kind.bandwidth)));
    }
    kind.table.push_back(row);
  }

  void read_join(Join::Kind kind) {
    Join join{.kind = kind};
    join.tier = static_cast<int>(reader_.one_of(tiers_));
    if (kind == Join::Kind::edge) read_positions(join);
    join.link_class = static_cast<int>(reader_.one_of(classes_));
    if (kind != Join::Kind::edge) read_children(join);
    if (take_word("x")) {
      const Reader at_number = reader_;
      const std::string wanted = fmt::format("how many links, 1 to {}", most_parallel);
      const std::int64_t parallel = reader_.number(wanted);
      if (parallel < 1 || parallel > most_parallel) at_number.fail(wanted);
      join.parallel = static_cast<int>(parallel);
    }
    if (kind == Join::Kind::star || kind == Join::Kind::rails) {
      has_switch_[join.tier] = true;
      while (reader_.take(',')) read_other(join);
    }
    fabric_.joins.push_back(join);
  }

  // Whether there is such a child shows when the fabric is drawn.
  void read_other(Join& join) {
    const Reader start = reader_;
    if (join.others.size() == most_others) start.fail(fmt::format("at most {}", most_others));
    const std::string wanted =
        fmt::format("which one has links of another class, 0 to {}", highest_child);
    const std::int64_t child = reader_.number(wanted);
    if (child > highest_child) start.fail(wanted);
    if (!join.others.empty() && child <= join.others.back().child) {
      start.fail("a higher number than the one before");
    }
    join.others.push_back({static_cast<int>(child), static_cast<int>(reader_.one_of(classes_))});
  }

  // "of TIER", if that is there.
  void read_children(Join& join) {
    if (!take_word("of")) return;
    std::vector<std::string> choice;
    for (int inner = 0; inner <= join.tier; ++inner) {
      if (has_switch_[inner]) choice.push_back(tiers_[inner]);
    }
    if (choice.empty()) {
      reader_.fail(fmt::format("a line before this one that gives switches to {} or a smaller tier",
                               tiers_[join.tier]));
    }
    const std::string& name = choice[reader_.one_of(choice)];
    join.of = static_cast<int>(std::find(tiers_.begin(), tiers_.end(), name) - tiers_.begin());
  }

  // A word that may follow on this line.
  bool take_word(std::string_view word) {
    if (!reader_.on_line(line_) || reader_.peek_word() != word) return false;
    reader_.word(word);
    return true;
  }

  void read_positions(Join& join) {
    const int size = smallest_group(join.tier);
    const auto position = [&] {
      const Reader start = reader_;
      const std::string wanted =
          fmt::format("a position in a group of {}, 0 to {}", tiers_[join.tier], size - 1);
      const std::int64_t value = reader_.number(wanted);
      if (value >= size) start.fail(wanted);
      return static_cast<int>(value);
    };
    join.first = position();
    if (!reader_.take('-')) reader_.fail("'-' and another position");
    const Reader at_second = reader_;
    join.second = position();
    if (join.second == join.first) at_second.fail("another position");
  }

  // Of those that lines of this tier join at all.
  int smallest_group(int tier) const {
    const std::vector<int>& groups = fabric_.topology.tiers()[tier].group_of;
    std::vector<int> sizes(groups.size(), 0);
    for (const int group : groups) ++sizes[group];
    const std::vector<bool> joined = joined_groups(fabric_.topology, tier);
    int smallest = static_cast<int>(groups.size());
    for (std::size_t group = 0; group < joined.size(); ++group) {
      if (joined[group]) smallest = std::min(smallest, sizes[group]);
    }
    return smallest;
  }

  Reader reader_;
  std::span<const std::string> settings_;
  FabricDescription fabric_{.topology = Topology::single_node(1)};
  std::vector<std::string> tiers_, classes_;
  std::vector<bool> has_switch_;  // by tier
  bool has_reduce_ = false, has_copy_ = false, has_overhead_ = false;
  int line_ = 0;
};

std::string class_text(const LinkClass& kind) {
  std::string text =
      fmt::format("class {} {} {}", kind.name, to_text(kind.bandwidth), to_text(kind.latency));
  if (kind.sharing == Sharing::shared) text += " shared";
  for (const Occupancy& row : kind.table) {
    text += fmt::format(", {} {}", bytes_to_text(row.bytes), to_text(row.time));
  }
  return text + "\n";
}

}  // namespace

std::vector<bool> joined_groups(const Topology& topology, int tier) {
  const std::vector<int>& groups = topology.tiers()[tier].group_of;
  std::vector<int> inner_of(groups.size(), -1);  // by group: the smaller group seen in it
  std::vector<bool> joined(1 + *std::max_element(groups.begin(), groups.end()), false);
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    const int inner = tier == 0 ? rank : topology.tiers()[tier - 1].group_of[rank];
    int& seen = inner_of[groups[rank]];
    if (seen >= 0 && seen != inner) joined[groups[rank]] = true;
    seen = inner;
  }
  return joined;
}

Seconds LinkClass::occupied(double bytes) const {
  if (table.empty()) return bandwidth.time(bytes);
  const auto above = std::find_if(table.begin(), table.end(),
                                  [&](const Occupancy& row) { return row.bytes >= bytes; });
  if (above == table.begin()) return above->time;
  const Occupancy& below = *(above - 1);
  if (above == table.end()) return below.time + bandwidth.time(bytes - below.bytes);
  const double share = (bytes - below.bytes) / (above->bytes - below.bytes);
  return below.time + share * (above->time - below.time);
}

FabricDescription read_fabric(std::string_view text, std::span<const std::string> settings) {
  return FabricReader(text, settings).read();
}

std::string to_text(const FabricDescription& fabric, const Join& join) {
  const auto tier = [&](int index) { return fabric.topology.tiers()[index].name; };
  std::string text =
      fmt::format("{} {} ", keywords()[static_cast<int>(join.kind)], tier(join.tier));
  if (join.kind == Join::Kind::edge) text += fmt::format("{}-{} ", join.first, join.second);
  text += fabric.classes[join.link_class].name;
  if (join.of != Join::ranks) text += fmt::format(" of {}", tier(join.of));
  if (join.parallel != 1) text += fmt::format(" x {}", join.parallel);
  for (const Join::Other& other : join.others) {
    text += fmt::format(", {} {}", other.child, fabric.classes[other.link_class].name);
  }
  return text;
}

std::string to_text(const FabricDescription& fabric) {
  std::string text = fmt::format("fabric {}\n", fabric.name);
  text += fabric.shape ? fmt::format("ranks {}\n", fabric.shape->to_text())
                       : topology_lines_text(fabric.topology);
  for (const LinkClass& kind : fabric.classes) text += class_text(kind);
  for (const Join& join : fabric.joins) text += to_text(fabric, join) + "\n";
  if (fabric.reduce != fabric.unlimited) text += fmt::format("reduce {}\n", to_text(fabric.reduce));
  if (fabric.copy != fabric.unlimited) text += fmt::format("copy {}\n", to_text(fabric.copy));
  if (fabric.step_overhead > Seconds{}) {
    text += fmt::format("overhead {}\n", to_text(fabric.step_overhead));
  }
  return text;
}

}  // namespace motet
