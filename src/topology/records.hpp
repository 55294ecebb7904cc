// Text made of records: a line each, a word and then key=value pairs. Values with blanks, quotes or
// # are "quoted", with \" and \\ inside. Blank lines and what follows a # are skipped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace motet {

struct Spot {
  int line = 1;
  std::size_t column = 1;
};

struct Field {
  std::string key, value;
  Spot spot, value_spot;
};

struct Record {
  std::string word;
  Spot spot;
  std::vector<Field> fields;  // keys may repeat
};

class RecordReader {
 public:
  // `what` begins each complaint: "survey".
  RecordReader(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  // Nothing at the end. Throws Error{invalid_argument} as fail() does.
  std::optional<Record> next();
  // Throws Error{invalid_argument}: "survey: line 3, column 7: expected a number, found 'x'".
  [[noreturn]] void fail(Spot spot, std::string_view expected, std::string_view found) const;

 private:
  bool skip_to_record();
  void skip_blanks();
  bool at_line_end() const;
  Spot here() const { return {line_, next_ - line_start_ + 1}; }
  std::string word(std::string_view expected);
  std::string value(std::string_view key);
  std::string quoted();
  [[noreturn]] void fail_here(std::string_view expected) const;

  std::string_view text_, what_;
  std::size_t next_ = 0, line_start_ = 0;
  int line_ = 1;
};

// As a value of a field is written.
std::string quoted_if_needed(std::string_view value);

}  // namespace motet
