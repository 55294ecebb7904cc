#include "replay.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace motet_perf {
namespace {

// No machine has as much memory, and bytes of all ranks are counted in 64 bits.
constexpr std::size_t most_elements = std::size_t{1} << 40;

std::size_t elements_in(const std::string& word) {
  std::size_t elements = 0;
  const char* end = word.data() + word.size();
  const auto [rest, failure] = std::from_chars(word.data(), end, elements);
  if (failure != std::errc{} || rest != end || elements > most_elements)
    throw std::invalid_argument("'" + word + "' is no number of elements");
  return elements;
}

std::string form_of(const CollectiveRow& collective) {
  const bool has_data = collective.whole != Whole::nothing;
  return fmt::format("{}{}{}", collective.name,
                     collective.reduces ? " TYPE OP"
                     : has_data         ? " TYPE"
                                        : "",
                     has_data ? " ELEMENTS" : "");
}

ReplayedCall call_in(const std::vector<std::string>& words) {
  ReplayedCall call{.collective = collective_named(words.front()),
                    .type = types().front(),
                    .op = ops().front(),
                    .elements = 0};
  const bool has_data = call.collective.whole != Whole::nothing;
  const std::size_t wanted = !has_data ? 1 : call.collective.reduces ? 4 : 3;
  if (words.size() != wanted)
    throw std::invalid_argument(fmt::format("expected {}, found {} word{}",
                                            form_of(call.collective), words.size(),
                                            words.size() == 1 ? "" : "s"));
  if (!has_data) return call;
  call.type = type_named(words[1]);
  if (call.collective.reduces) call.op = op_named(words[2]);
  if (call.collective.reduces && !is_defined(call.op, call.type))
    throw std::invalid_argument("op " + words[2] + " is not defined for type " + words[1]);
  call.elements = elements_in(words.back());
  return call;
}

void add_line(std::vector<ReplayedCall>& calls, const std::string& line) {
  std::istringstream stream(line.substr(0, line.find('#')));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.empty()) return;
  if (words.front() != "wait") return calls.push_back(call_in(words));
  if (words.size() > 1) throw std::invalid_argument("wait is for all: nothing goes with it");
  if (calls.empty() || calls.back().wait_after)
    throw std::invalid_argument("nothing has begun that could be waited for");
  calls.back().wait_after = true;
}

}  // namespace

std::vector<ReplayedCall> parse_replay(const std::string& text, std::string_view name) {
  std::vector<ReplayedCall> calls;
  std::istringstream stream(text);
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    try {
      add_line(calls, line);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(fmt::format("{}:{}: {}", name, number, error.what()));
    }
  }
  if (calls.empty()) throw std::invalid_argument(fmt::format("{}: there is no call in it", name));
  return calls;
}

std::vector<ReplayedCall> read_replay(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) throw std::invalid_argument(path + ": " + std::strerror(errno));
  return parse_replay(text.str(), path);
}

std::size_t count_of(const ReplayedCall& call, int ranks) {
  const auto n = static_cast<std::size_t>(ranks);
  return call.collective.whole == Whole::parts ? (call.elements + n - 1) / n : call.elements;
}

}  // namespace motet_perf
