#include "net/interfaces.hpp"

namespace motet {
namespace {

bool fits(std::string_view pattern, std::string_view interface) {
  if (!pattern.ends_with('*')) return pattern == interface;
  return interface.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool is_listed(std::string_view list, std::string_view interface) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (fits(list.substr(0, comma), interface)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_chosen(std::string_view choice, std::string_view interface) {
  if (choice.empty()) return true;
  if (choice.front() == '^') return !is_listed(choice.substr(1), interface);
  return is_listed(choice, interface);
}

}  // namespace motet
