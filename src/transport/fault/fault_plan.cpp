#include "transport/fault/fault_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <set>
#include <sstream>

#include "base/error.hpp"

namespace motet {
namespace {

[[noreturn]] void refuse(std::string_view word, std::string_view why) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("fault plan: \"{}\": {}; an example: "
                          "seed=7,delay=3,full=0.1,reorder=0.2,kill=1000",
                          word, why));
}

template <class Number>
Number parse_number(std::string_view word, std::string_view value) {
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc::result_out_of_range) refuse(word, "the number is too large");
  if (error != std::errc() || end != value.data() + value.size()) refuse(word, "not a number");
  return number;
}

// `largest` below 1: with 1 nothing would ever be sent.
double parse_probability(std::string_view word, std::string_view value, double largest) {
  const auto probability = parse_number<double>(word, value);
  if (!(probability >= 0 && probability <= largest)) {
    refuse(word, fmt::format("a probability from 0 to {} is wanted", largest));
  }
  return probability;
}

constexpr double most_full = 0.99, always = 1;

void set(FaultPlan& plan, std::string_view word, std::string_view name, std::string_view value) {
  if (name == "seed") {
    plan.seed = parse_number<std::uint64_t>(word, value);
  } else if (name == "delay") {
    plan.delay = parse_number<std::uint32_t>(word, value);
  } else if (name == "full") {
    plan.full = parse_probability(word, value, most_full);
  } else if (name == "reorder") {
    plan.reorder = parse_probability(word, value, always);
  } else if (name == "kill") {
    plan.kill = parse_number<std::uint64_t>(word, value);
  } else {
    refuse(word, "known are seed, delay, full, reorder and kill");
  }
}

}  // namespace

FaultPlan parse_fault_plan(std::string_view text) {
  FaultPlan plan;
  std::set<std::string, std::less<>> seen;
  std::istringstream words{std::string(text)};
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) refuse(word, "name=number is wanted");
    const std::string name = word.substr(0, equals);
    if (!seen.insert(name).second) refuse(word, "given twice");
    set(plan, word, name, std::string_view(word).substr(equals + 1));
  }
  return plan;
}

std::string to_text(const FaultPlan& plan) {
  return fmt::format("seed={},delay={},full={},reorder={},kill={}", plan.seed, plan.delay,
                     plan.full, plan.reorder, plan.kill);
}

}  // namespace motet
