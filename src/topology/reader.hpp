// Reads the words, numbers and punctuation of a text form and knows where it is, so that what is
// wrong is said with line and column. Blanks, blank lines and what follows a # are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace motet {

// Letters, digits, '_', '-' and '.' make words.
bool is_word_character(char c);
bool is_digit(char c);

class Reader {
 public:
  // `what` begins every complaint: "topology". Both texts outlive the reader.
  Reader(std::string_view what, std::string_view text);

  bool at_end() const { return next_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[next_]; }
  int line() const { return line_; }
  // Whether something follows on that line.
  bool on_line(int line) const { return !at_end() && line_ == line; }

  bool take(char c);
  // The word that starts here, without moving; empty if there is none.
  std::string_view peek_word() const;

  // These throw as fail() does where something else is found.
  std::string_view word(std::string_view expected);
  std::int64_t number(std::string_view expected);
  // Not negative: 12.5 or 1e-3.
  double decimal(std::string_view expected);
  // One of `words`; a complaint lists them and guesses which one was meant.
  std::size_t one_of(const std::vector<std::string>& words);

  // Throws Error{invalid_argument}: what was expected here and what was found.
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  void advance(std::size_t count);
  void skip_blank();

  std::string_view what_;
  std::string_view text_;
  std::size_t next_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace motet
