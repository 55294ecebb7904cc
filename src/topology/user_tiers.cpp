#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.hpp"
#include "topology/records.hpp"
#include "topology/tiers.hpp"

namespace motet {
namespace {

constexpr std::size_t most_tiers = 16;

struct Rule {
  std::vector<std::string> patterns;
  std::vector<std::string> labels;  // by tier
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "[8-15]" at the front of the pattern and a number in that range at the front of the host: how far
// each goes on.
struct Advance {
  std::size_t pattern = 0, host = 0;
};
Advance match_range(std::string_view pattern, std::string_view host) {
  long least = 0, most = 0, number = 0;
  const char* const end = pattern.data() + pattern.size();
  const auto low = std::from_chars(pattern.data() + 1, end, least);
  if (low.ec != std::errc{} || low.ptr == end || *low.ptr != '-') return {};
  const auto high = std::from_chars(low.ptr + 1, end, most);
  if (high.ec != std::errc{} || high.ptr == end || *high.ptr != ']') return {};
  const auto digits =
      static_cast<std::size_t>(std::ranges::find_if_not(host, is_digit) - host.begin());
  const auto read = std::from_chars(host.data(), host.data() + digits, number);
  if (digits == 0 || read.ec != std::errc{} || number < least || number > most) return {};
  return {static_cast<std::size_t>(high.ptr + 1 - pattern.data()), digits};
}

// What follows a star matches from here, or the star takes one character more.
Advance match_one(std::string_view pattern, std::string_view host) {
  if (pattern.empty() || host.empty()) return {};
  if (pattern.front() == '[') return match_range(pattern, host);
  if (pattern.front() == '?' || pattern.front() == host.front()) return {1, 1};
  return {};
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words(1);
  for (const char c : list) {
    if (c == ',') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// Reads lines "hosts name=PATTERN tier=label ...".
class HostRules {
 public:
  explicit HostRules(std::string_view text) : records_(text, "topology") {
    while (const auto record = records_.next()) add(*record);
  }

  std::vector<Tier> tiers(const std::vector<std::string>& host_of) const {
    std::vector<Tier> tiers;
    for (const std::string& name : names_) tiers.push_back({name, {}});
    std::map<std::string, int> numbers;
    for (const std::string& host : host_of) {
      const Rule& rule = rule_for(host);
      for (std::size_t i = 0; i < tiers.size(); ++i) {
        const auto next = static_cast<int>(numbers.size());
        tiers[i].group_of.push_back(numbers.try_emplace(rule.labels[i], next).first->second);
      }
    }
    return tiers;
  }

 private:
  void add(const Record& record) {
    if (record.word != "hosts") records_.fail(record.spot, "'hosts'", record.word);
    if (record.fields.size() < 2 || record.fields.front().key != "name") {
      records_.fail(record.spot, "hosts name=PATTERN and a tier", "fewer fields or others");
    }
    Rule rule{words_of(record.fields.front().value), {}};
    std::vector<std::string> names;
    for (auto field = record.fields.begin() + 1; field != record.fields.end(); ++field) {
      constexpr std::string_view own[] = {"numa", "package", "node", "world", "rank"};
      const bool taken =
          std::ranges::count(own, field->key) > 0 || std::ranges::count(names, field->key) > 0;
      if (taken) records_.fail(field->spot, "a tier above the nodes, each once", field->key);
      if (is_digit(field->key.front()))
        records_.fail(field->spot, "the name of a tier", field->key);
      names.push_back(field->key);
      rule.labels.push_back(field->value);
    }
    if (names.size() > most_tiers) {
      records_.fail(record.spot, fmt::format("at most {} tiers", most_tiers), "more");
    }
    if (rules_.empty()) names_ = names;
    if (names != names_) {
      records_.fail(record.spot,
                    fmt::format("the tiers of the first line ({})", fmt::join(names_, ", ")),
                    fmt::format("{}", fmt::join(names, ", ")));
    }
    rules_.push_back(std::move(rule));
  }

  const Rule& rule_for(const std::string& host) const {
    const auto fits = [&](const Rule& rule) {
      return std::ranges::any_of(
          rule.patterns, [&](const std::string& pattern) { return matches(pattern, host); });
    };
    const auto found = std::ranges::find_if(rules_, fits);
    if (found != rules_.end()) return *found;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("topology: no line of MOTET_TOPOLOGY fits host \"{}\"", host));
  }

  RecordReader records_;
  std::vector<std::string> names_;
  std::vector<Rule> rules_;
};

// The first word of the first line that has one.
std::string_view first_word(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
    if (start < line.size() && line[start] != '#') {
      return line.substr(start, line.find_first_of(" \t\r", start) - start);
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

}  // namespace

// A star at which the rest did not fit takes one character more; only the last one needs to.
bool matches(std::string_view pattern, std::string_view host) {
  std::string_view after_star, star_host;
  bool has_star = false;
  while (!host.empty() || !pattern.empty()) {
    if (!pattern.empty() && pattern.front() == '*') {
      has_star = true;
      after_star = pattern = pattern.substr(1);
      star_host = host;
      continue;
    }
    const Advance step = match_one(pattern, host);
    if (step.host == 0) {
      if (!has_star || star_host.empty()) return false;
      star_host.remove_prefix(1);
      host = star_host;
      pattern = after_star;
      continue;
    }
    pattern.remove_prefix(step.pattern);
    host.remove_prefix(step.host);
  }
  return true;
}

UserTiers read_user_tiers(std::string_view text, const std::vector<std::string>& host_of) {
  if (first_word(text) == "hosts") return {{}, HostRules(text).tiers(host_of)};
  const Topology topology = Topology::from_text(text);
  if (topology.world_size() != static_cast<int>(host_of.size())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("topology: MOTET_TOPOLOGY places {} ranks, and there are {}",
                            topology.world_size(), host_of.size()));
  }
  const std::vector<Tier>& tiers = topology.tiers();
  const auto node = std::ranges::find(tiers, "node", &Tier::name);
  return {{tiers.begin(), node}, {node + 1, tiers.end() - 1}};
}

}  // namespace motet
