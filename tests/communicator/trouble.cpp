#include "trouble.hpp"

#include <sstream>

namespace motet::testing {
namespace {

// "WHAT|STATUS|MS|TEXT"
Said parse(const std::string& line) {
  std::istringstream in(line);
  std::string what, status, ms, text;
  std::getline(in, what, '|');
  std::getline(in, status, '|');
  std::getline(in, ms, '|');
  std::getline(in, text);
  return {what, std::stoi(status), std::stod(ms), text};
}

}  // namespace

void PrintTo(const Said& said, std::ostream* out) {
  *out << said.what << " " << said.status << " in " << said.ms << " ms: " << said.text;
}

Said Heard::find(const std::string& what) const {
  for (const Said& one : said) {
    if (one.what == what) return one;
  }
  ADD_FAILURE() << "nothing was said of " << what << " in:\n" << text;
  return {};
}

std::vector<Heard> read(const std::vector<RankOutput>& ranks) {
  std::vector<Heard> all;
  for (const RankOutput& rank : ranks) {
    Heard heard{rank.status, {}, rank.text};
    std::istringstream lines(rank.text);
    for (std::string line; std::getline(lines, line);) {
      if (std::count(line.begin(), line.end(), '|') >= 3) heard.said.push_back(parse(line));
    }
    all.push_back(heard);
  }
  return all;
}

}  // namespace motet::testing
