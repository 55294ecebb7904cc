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
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "topology/topology.hpp"

namespace motet {
namespace {

constexpr std::int64_t most_ranks = 1 << 20;  // keeps a slip of the keyboard from taking all memory
constexpr std::size_t most_tiers = 16;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads words, numbers and punctuation, and knows where it is.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { skip_blank(); }

  bool at_end() const { return next_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[next_]; }
  int line() const { return line_; }

  bool take(char c) {
    if (peek() != c) return false;
    ++next_;
    skip_blank();
    return true;
  }

  // The word that starts here, without moving.
  std::string_view peek_word() const {
    std::size_t end = next_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(next_, end - next_);
  }

  std::string_view word(std::string_view expected) {
    const std::string_view found = peek_word();
    if (found.empty()) fail(expected);
    advance(found.size());
    return found;
  }

  std::int64_t number(std::string_view expected) {
    std::size_t end = next_;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    std::int64_t value = 0;
    const auto result = std::from_chars(text_.data() + next_, text_.data() + end, value);
    if (end == next_ || result.ec != std::errc{}) fail(expected);
    advance(end - next_);
    return value;
  }

  [[noreturn]] void fail(std::string_view expected) const {
    const std::string_view found = peek_word();
    std::string what = at_end() ? "the text ends" : fmt::format("found '{}'", peek());
    if (!found.empty()) what = fmt::format("found '{}'", found.substr(0, 40));
    throw Error(ErrorCode::invalid_argument,
                fmt::format("topology: line {}, column {}: expected {}, {}", line_,
                            next_ - line_start_ + 1, expected, what));
  }

 private:
  void advance(std::size_t count) {
    next_ += count;
    skip_blank();
  }

  void skip_blank() {
    for (; !at_end(); ++next_) {
      if (text_[next_] == '#') next_ = std::min(text_.find('\n', next_), text_.size());
      if (at_end()) return;
      if (text_[next_] == '\n') {
        ++line_;
        line_start_ = next_ + 1;
      } else if (!is_space(text_[next_])) {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t next_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

bool has_tier(const std::vector<Tier>& tiers, std::string_view name) {
  return std::any_of(tiers.begin(), tiers.end(), [&](const Tier& t) { return t.name == name; });
}

// ---- short form

struct Term {
  std::string name;         // singular
  std::int64_t groups = 0;  // of this tier in the whole world
};

// "nodes" and "node" both name the tier "node".
std::string singular(std::string_view word) {
  return std::string(word.size() > 1 && word.back() == 's' ? word.substr(0, word.size() - 1)
                                                           : word);
}

bool names_tier(const Reader& reader) {
  return is_word(reader.peek()) && !is_digit(reader.peek()) && reader.peek_word() != "x";
}

// Reads the tiers; the last term's count of ranks comes back in `world_size`.
std::vector<Term> read_terms(Reader& reader, std::int64_t& world_size) {
  std::vector<Term> terms;
  for (world_size = 1;;) {
    const Reader before = reader;
    const std::int64_t count = reader.number("a number");
    if (count < 1 || count > most_ranks / world_size) {
      before.fail(fmt::format("between 1 and {} ranks in all", most_ranks));
    }
    world_size *= count;
    if (!names_tier(reader)) return terms;
    if (terms.size() == most_tiers) reader.fail(fmt::format("at most {} tiers", most_tiers));
    const Reader at_name = reader;
    terms.push_back({singular(reader.word("a tier")), world_size});
    const std::string& name = terms.back().name;
    const bool again = std::any_of(terms.begin(), terms.end() - 1,
                                   [&](const Term& term) { return term.name == name; });
    if (again || name == "world") at_name.fail("a tier that was not named yet");
    if (!reader.take('x')) reader.fail("'x' and what each holds");
  }
}

std::vector<Tier> read_short(Reader& reader) {
  std::int64_t world_size = 0;
  std::vector<Term> terms = read_terms(reader, world_size);
  if (!reader.at_end()) reader.fail("'x', the name of a tier, or the end");
  if (terms.empty()) terms.push_back({"node", 1});
  std::vector<Tier> tiers;
  for (auto term = terms.rbegin(); term != terms.rend(); ++term) {
    Tier tier{term->name, {}};
    for (std::int64_t rank = 0; rank < world_size; ++rank) {
      tier.group_of.push_back(static_cast<int>(rank / (world_size / term->groups)));
    }
    tiers.push_back(std::move(tier));
  }
  return tiers;
}

std::string plural(const Tier& tier) {
  return tier.name + "s";
}

std::string short_text(const Topology& topology) {
  std::string text;
  int outer = 1;
  for (auto tier = topology.tiers().rbegin() + 1; tier != topology.tiers().rend(); ++tier) {
    const int groups = 1 + *std::max_element(tier->group_of.begin(), tier->group_of.end());
    text += fmt::format("{} {} x ", groups / outer, plural(*tier));
    outer = groups;
  }
  return text + std::to_string(topology.world_size() / outer);
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
  for (std::int64_t rank = 0; !reader.at_end(); ++rank) {
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

std::string line_text(const Topology& topology, std::size_t rank) {
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

Topology Topology::from_text(std::string_view text) {
  Reader reader(text);
  const Reader start = reader;
  std::vector<Tier> tiers = is_digit(reader.peek()) ? read_short(reader) : read_lines(reader);
  if (tiers.empty()) start.fail("'4 nodes x 8' or 'rank 0: node 0'");
  if (!has_tier(tiers, "node")) start.fail("a tier of nodes");
  const std::size_t world_size = tiers.front().group_of.size();
  tiers.push_back({"world", std::vector<int>(world_size, 0)});
  return Topology(std::move(tiers));
}

std::string Topology::to_text() const {
  std::string text = short_text(*this);
  // The short form says nothing about uneven machines or another numbering.
  if (from_text(text) == *this) return text;
  text.clear();
  for (std::size_t rank = 0; rank < tiers_.back().group_of.size(); ++rank) {
    text += line_text(*this, rank);
  }
  return text;
}

}  // namespace motet
