// The two text forms.
//
//   2 pods x 4 nodes x 8
//
// Short: outermost first, the last number counts ranks.
//
//   rank 0: package 0, node alpha, pod 0
//   rank 1: package 1, node alpha, pod 0
//   rank 2: package 0, node beta, pod 0
//
// A line per rank, innermost tier first, any words as labels; a label counts inside its enclosing
// group: every node may have a package 0.
//
// Blank lines and what follows a # are skipped in both.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "topology/topology_forms.hpp"

namespace motet {
namespace {

constexpr std::int64_t most_ranks = 1 << 20;  // keeps a slip of the keyboard from taking all memory
constexpr std::size_t most_tiers = 16;

bool has_tier(const std::vector<Tier>& tiers, std::string_view name) {
  return std::any_of(tiers.begin(), tiers.end(), [&](const Tier& t) { return t.name == name; });
}

// ---- short form

// "nodes" and "node" both name the tier "node".
std::string singular(std::string_view word) {
  return std::string(word.size() > 1 && word.back() == 's' ? word.substr(0, word.size() - 1)
                                                           : word);
}

bool names_tier(const Reader& reader) {
  return is_word_character(reader.peek()) && !is_digit(reader.peek()) && reader.peek_word() != "x";
}

std::string new_tier(Reader& reader, const TopologyShape& shape) {
  if (shape.levels.size() == most_tiers) reader.fail(fmt::format("at most {} tiers", most_tiers));
  const Reader at_name = reader;
  std::string name = singular(reader.word("a tier"));
  const bool again = std::any_of(shape.levels.begin(), shape.levels.end(),
                                 [&](const auto& level) { return level.tier == name; });
  if (again || name == "world") at_name.fail("a tier that was not named yet");
  return name;
}

std::string within_limits() {
  return fmt::format("between 1 and {} ranks in all", most_ranks);
}

std::string short_text(const Topology& topology) {
  TopologyShape shape;
  int outer = 1;
  for (auto tier = topology.tiers().rbegin() + 1; tier != topology.tiers().rend(); ++tier) {
    const int groups = 1 + *std::max_element(tier->group_of.begin(), tier->group_of.end());
    shape.levels.push_back({tier->name, groups / outer});
    outer = groups;
  }
  shape.ranks = topology.world_size() / outer;
  return shape.to_text();
}

// ---- a line per rank

struct Line {
  std::vector<std::string> names, labels;  // innermost first
};

Line read_line(Reader& reader, std::int64_t rank) {
  if (reader.peek_word() != "rank") reader.fail("'rank'");
  reader.word("'rank'");
  const Reader at_number = reader;
  const std::string wanted = fmt::format("{}, the next rank", rank);
  if (rank == most_ranks) reader.fail(fmt::format("at most {} ranks", most_ranks));
  if (reader.number(wanted) != rank) at_number.fail(wanted);
  if (!reader.take(':')) reader.fail("':'");
  Line line;
  do {
    if (line.names.size() == most_tiers) reader.fail(fmt::format("at most {} tiers", most_tiers));
    if (is_digit(reader.peek())) reader.fail("the name of a tier");
    line.names.emplace_back(reader.word("the name of a tier"));
    line.labels.emplace_back(reader.word("which " + line.names.back()));
  } while (reader.take(','));
  return line;
}

std::vector<Tier> empty_tiers(const Line& line, const Reader& at_line) {
  std::vector<Tier> tiers;
  for (const std::string& name : line.names) {
    if (has_tier(tiers, name) || name == "world") {
      at_line.fail(fmt::format("every tier once and no tier 'world' (not '{}')", name));
    }
    tiers.push_back({name, {}});
  }
  return tiers;
}

std::vector<Tier> read_lines(Reader& reader) {
  std::vector<Tier> tiers;
  std::vector<std::map<std::pair<int, std::string>, int>> numbers;  // (enclosing group, label)
  for (std::int64_t rank = 0; rank == 0 || reader.peek_word() == "rank"; ++rank) {
    const Reader at_line = reader;
    const Line line = read_line(reader, rank);
    if (rank == 0) {
      tiers = empty_tiers(line, at_line);
      numbers.resize(tiers.size());
    }
    const bool same = std::equal(line.names.begin(), line.names.end(), tiers.begin(), tiers.end(),
                                 [](const std::string& n, const Tier& t) { return n == t.name; });
    if (!same) at_line.fail("the tiers of the first rank in the same order");
    int enclosing = 0;
    for (std::size_t i = tiers.size(); i-- > 0;) {
      const auto next = static_cast<int>(numbers[i].size());
      enclosing = numbers[i].try_emplace({enclosing, line.labels[i]}, next).first->second;
      tiers[i].group_of.push_back(enclosing);
    }
  }
  return tiers;
}

std::string line_text(const Topology& topology, Rank rank) {
  std::string text = fmt::format("rank {}:", rank);
  const char* separator = " ";
  for (std::size_t i = 0; i + 1 < topology.tiers().size(); ++i) {
    const Tier& tier = topology.tiers()[i];
    text += fmt::format("{}{} {}", separator, tier.name, tier.group_of[rank]);
    separator = ", ";
  }
  return text + "\n";
}

}  // namespace

Topology TopologyShape::topology() const {
  std::int64_t world_size = ranks;
  for (const Level& level : levels) {
    const bool fits = level.count >= 1 && world_size >= 1 && level.count <= most_ranks / world_size;
    if (!fits)
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("topology: expected {}, found '{}'", within_limits(), to_text()));
    world_size *= level.count;
  }
  std::vector<Tier> tiers;
  std::int64_t group_size = ranks;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    Tier tier{level->tier, {}};
    for (std::int64_t rank = 0; rank < world_size; ++rank) {
      tier.group_of.push_back(static_cast<int>(rank / group_size));
    }
    group_size *= level->count;
    tiers.push_back(std::move(tier));
  }
  tiers.push_back({"world", std::vector<int>(static_cast<std::size_t>(world_size), 0)});
  return Topology(std::move(tiers));
}

std::string TopologyShape::to_text() const {
  std::string text;
  for (const Level& level : levels) text += fmt::format("{} {}s x ", level.count, level.tier);
  return text + std::to_string(ranks);
}

TopologyShape read_topology_shape(Reader& reader) {
  const Reader start = reader;
  const int line = reader.line();
  TopologyShape shape;
  for (std::int64_t world_size = 1;;) {
    const Reader before = reader;
    const std::int64_t count = reader.number("a number");
    if (count < 1 || count > most_ranks / world_size) before.fail(within_limits());
    world_size *= count;
    shape.ranks = count;
    if (!reader.on_line(line)) break;
    if (!names_tier(reader)) reader.fail("'x', the name of a tier, or the end");
    shape.levels.push_back({new_tier(reader, shape), count});
    if (!reader.take('x')) reader.fail("'x' and what each holds");
  }
  if (shape.levels.empty()) shape.levels.push_back({"node", 1});
  const bool has_nodes = std::any_of(shape.levels.begin(), shape.levels.end(),
                                     [](const auto& level) { return level.tier == "node"; });
  if (!has_nodes) start.fail("a tier of nodes");
  return shape;
}

Topology read_topology_lines(Reader& reader) {
  const Reader start = reader;
  std::vector<Tier> tiers = read_lines(reader);
  if (!has_tier(tiers, "node")) start.fail("a tier of nodes");
  const std::size_t world_size = tiers.front().group_of.size();
  tiers.push_back({"world", std::vector<int>(world_size, 0)});
  return Topology(std::move(tiers));
}

Topology Topology::from_text(std::string_view text) {
  Reader reader("topology", text);
  if (reader.at_end()) reader.fail("'4 nodes x 8' or 'rank 0: node 0'");
  if (!is_digit(reader.peek())) {
    Topology topology = read_topology_lines(reader);
    if (!reader.at_end()) reader.fail("'rank' or the end");
    return topology;
  }
  const TopologyShape shape = read_topology_shape(reader);
  if (!reader.at_end()) reader.fail("the end");
  return shape.topology();
}

std::string topology_lines_text(const Topology& topology) {
  std::string text;
  for (Rank rank = 0; rank < topology.world_size(); ++rank) text += line_text(topology, rank);
  return text;
}

std::string Topology::to_text() const {
  std::string text = short_text(*this);
  // The short form says nothing about uneven machines or another numbering.
  return from_text(text) == *this ? text : topology_lines_text(*this);
}

}  // namespace motet
