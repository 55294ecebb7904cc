#include "topology/records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace motet {
namespace {

constexpr std::size_t most_fields = 64;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-';
}
// Bytes beyond ASCII are parts of letters.
bool is_bare(char c) {
  const bool prints = static_cast<unsigned char>(c) > ' ' && c != '\x7f';
  return prints && c != '"' && c != '#';
}

}  // namespace

void RecordReader::fail(Spot spot, std::string_view expected, std::string_view found) const {
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "{}: line {}, column {}: expected {}, {}", what_, spot.line, spot.column, expected,
          found.empty() ? "found nothing" : fmt::format("found '{}'", found.substr(0, 40))));
}

void RecordReader::fail_here(std::string_view expected) const {
  if (next_ == text_.size()) fail(here(), expected, "the end of the text");
  if (at_line_end()) fail(here(), expected, "the end of the line");
  fail(here(), expected, text_.substr(next_, 1));
}

bool RecordReader::at_line_end() const {
  return next_ == text_.size() || text_[next_] == '\n' || text_[next_] == '#';
}

void RecordReader::skip_blanks() {
  while (next_ < text_.size() && is_blank(text_[next_])) ++next_;
}

bool RecordReader::skip_to_record() {
  for (;;) {
    skip_blanks();
    if (!at_line_end()) return true;
    next_ = std::min(text_.find('\n', next_), text_.size());
    if (next_ == text_.size()) return false;
    ++line_;
    line_start_ = ++next_;
  }
}

std::string RecordReader::word(std::string_view expected) {
  std::size_t end = next_;
  while (end < text_.size() && is_word(text_[end])) ++end;
  if (end == next_) fail_here(expected);
  std::string found(text_.substr(next_, end - next_));
  next_ = end;
  return found;
}

std::string RecordReader::quoted() {
  std::string value;
  for (++next_; next_ < text_.size() && text_[next_] != '\n'; ++next_) {
    if (text_[next_] == '"') {
      ++next_;
      return value;
    }
    if (text_[next_] == '\\') ++next_;
    if (next_ == text_.size() || text_[next_] == '\n') break;
    value += text_[next_];
  }
  fail_here("a closing '\"'");
}

std::string RecordReader::value(std::string_view key) {
  if (next_ < text_.size() && text_[next_] == '"') return quoted();
  std::size_t end = next_;
  while (end < text_.size() && is_bare(text_[end])) ++end;
  if (end == next_) fail_here(fmt::format("the value of {}", key));
  std::string found(text_.substr(next_, end - next_));
  next_ = end;
  return found;
}

std::optional<Record> RecordReader::next() {
  if (!skip_to_record()) return std::nullopt;
  Record record{{}, here(), {}};
  record.word = word("a word that says what the line describes");
  for (;;) {
    const std::size_t before = next_;
    skip_blanks();
    if (at_line_end()) return record;
    if (next_ == before) fail_here("a blank");
    if (record.fields.size() == most_fields) {
      fail_here(fmt::format("at most {} fields in a line", most_fields));
    }
    Field field{{}, {}, here(), {}};
    field.key = word("a key");
    if (at_line_end() || text_[next_] != '=') fail_here(fmt::format("'=' after {}", field.key));
    ++next_;
    field.value_spot = here();
    field.value = value(field.key);
    record.fields.push_back(std::move(field));
  }
}

std::string quoted_if_needed(std::string_view value) {
  if (!value.empty() && std::ranges::all_of(value, is_bare)) return std::string(value);
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text + '"';
}

}  // namespace motet
