#include "topology/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"

namespace motet {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

constexpr std::size_t longest_quote = 40;  // of what was found

// Letters to insert, delete or replace to turn one word into the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += fmt::format("{}'{}'", text.empty() ? "" : ", ", word);
  }
  return text;
}

std::string guess(std::string_view found, const std::vector<std::string>& words) {
  if (found.empty() || found.size() > longest_quote) return "";
  const auto nearest = std::min_element(words.begin(), words.end(), [&](auto& a, auto& b) {
    return distance(found, a) < distance(found, b);
  });
  const bool near = nearest != words.end() && distance(found, *nearest) <= 1 + found.size() / 3;
  return near ? fmt::format(" (did you mean '{}'?)", *nearest) : "";
}

// A byte that a terminal would not show as itself is given by its value.
std::string quoted(char c) {
  const bool printable = c >= ' ' && c <= '~';
  return printable ? fmt::format("'{}'", c)
                   : fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

bool is_word_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
         c == '.';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Reader::Reader(std::string_view what, std::string_view text) : what_(what), text_(text) {
  skip_blank();
}

bool Reader::take(char c) {
  if (at_end() || peek() != c) return false;
  advance(1);
  return true;
}

std::string_view Reader::peek_word() const {
  std::size_t end = next_;
  while (end < text_.size() && is_word_character(text_[end])) ++end;
  return text_.substr(next_, end - next_);
}

std::string_view Reader::word(std::string_view expected) {
  const std::string_view found = peek_word();
  if (found.empty()) fail(expected);
  advance(found.size());
  return found;
}

std::int64_t Reader::number(std::string_view expected) {
  std::size_t end = next_;
  while (end < text_.size() && is_digit(text_[end])) ++end;
  std::int64_t value = 0;
  const auto result = std::from_chars(text_.data() + next_, text_.data() + end, value);
  if (end == next_ || result.ec != std::errc{}) fail(expected);
  advance(end - next_);
  return value;
}

double Reader::decimal(std::string_view expected) {
  double value = 0;
  if (!is_digit(peek())) fail(expected);
  const char* const begin = text_.data() + next_;
  const auto result = std::from_chars(begin, text_.data() + text_.size(), value);
  if (result.ec != std::errc{}) fail(expected);
  advance(static_cast<std::size_t>(result.ptr - begin));
  return value;
}

std::size_t Reader::one_of(const std::vector<std::string>& words) {
  const std::string_view found = peek_word();
  const auto at = std::find(words.begin(), words.end(), found);
  if (at == words.end()) fail(listed(words) + guess(found, words));
  advance(found.size());
  return static_cast<std::size_t>(at - words.begin());
}

void Reader::fail(std::string_view expected) const {
  const std::string_view word = peek_word();
  std::string found = at_end() ? "the text ends" : "found " + quoted(peek());
  if (!word.empty()) found = fmt::format("found '{}'", word.substr(0, longest_quote));
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: line {}, column {}: expected {}, {}", what_, line_,
                          next_ - line_start_ + 1, expected, found));
}

void Reader::advance(std::size_t count) {
  next_ += count;
  skip_blank();
}

void Reader::skip_blank() {
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

}  // namespace motet
