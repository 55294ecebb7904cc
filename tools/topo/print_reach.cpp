#include "print_reach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace motet_topo {
namespace {

using motet::Reach;
using motet::Way;

constexpr std::string_view nothing = "none";

// "shm,tcp": what works both ways.
std::string cell(const Reach& reach, std::size_t from, std::size_t to) {
  if (from == to) return "-";
  std::vector<std::string_view> names;
  for (std::size_t t = 0; t < reach.transports.size(); ++t) {
    if (reach.works(from, to, t)) names.push_back(reach.transports[t]);
  }
  return names.empty() ? std::string(nothing) : fmt::format("{}", fmt::join(names, ","));
}

std::string matrix(const Reach& reach) {
  const std::size_t ranks = reach.ranks.size();
  std::size_t width = 4, title = 4;
  for (std::size_t from = 0; from < ranks; ++from) {
    title = std::max(title, reach.ranks[from].size());
    for (std::size_t to = 0; to < ranks; ++to)
      width = std::max(width, cell(reach, from, to).size());
  }
  std::string text(title, ' ');
  for (std::size_t to = 0; to < ranks; ++to) text += fmt::format("  {:<{}}", to, width);
  for (std::size_t from = 0; from < ranks; ++from) {
    text += fmt::format("\n{:<{}}", reach.ranks[from], title);
    for (std::size_t to = 0; to < ranks; ++to) {
      text += fmt::format("  {:<{}}", cell(reach, from, to), width);
    }
  }
  return text + '\n';
}

std::string_view verdict(Way way) {
  return way == Way::failed ? "failed" : "no answer";
}

// Each way that was tried and does not work.
std::string refusals(const Reach& reach) {
  std::string text;
  for (std::size_t from = 0; from < reach.ranks.size(); ++from) {
    for (std::size_t to = 0; to < reach.ranks.size(); ++to) {
      for (std::size_t t = 0; t < reach.transports.size(); ++t) {
        const auto& [way, detail] = reach.paths[from][to][t];
        if (way != Way::failed && way != Way::trying) continue;
        text += fmt::format("  {} to rank {}, {}: {}: {}\n", reach.ranks[from], to,
                            reach.transports[t], verdict(way), detail);
      }
    }
  }
  for (const std::string& one : reach.missing) text += fmt::format("  {}\n", one);
  return text;
}

// By which of their addresses ranks reach each other.
std::string routes(const Reach& reach) {
  std::string text;
  for (std::size_t from = 0; from < reach.ranks.size(); ++from) {
    for (std::size_t to = 0; to < reach.ranks.size(); ++to) {
      for (std::size_t t = 0; t < reach.transports.size(); ++t) {
        const auto& [way, detail] = reach.paths[from][to][t];
        if (way != Way::works || detail.empty() || from >= to) continue;
        text += fmt::format("  {} to rank {}, {}: {}\n", reach.ranks[from], to, reach.transports[t],
                            detail);
      }
    }
  }
  return text;
}

std::string sentence(const Reach& reach) {
  if (!reach.joined) return "Some ranks cannot reach each other: no job could run.\n";
  if (reach.network.empty()) return "";
  return fmt::format("Ranks that share no memory would use {}.\n", reach.network);
}

}  // namespace

std::string to_text(const Reach& reach) {
  std::string text = "What joins the ranks, best first:\n\n" + matrix(reach) + '\n';
  text += sentence(reach);
  if (const std::string found = routes(reach); !found.empty())
    text += "By the addresses:\n" + found;
  if (const std::string bad = refusals(reach); !bad.empty()) text += "Not to be had:\n" + bad;
  return text;
}

std::string to_json(const Reach& reach) {
  auto paths = nlohmann::json::array();
  for (std::size_t from = 0; from < reach.ranks.size(); ++from) {
    for (std::size_t to = 0; to < reach.ranks.size(); ++to) {
      for (std::size_t t = 0; from != to && t < reach.transports.size(); ++t) {
        const auto& [way, detail] = reach.paths[from][to][t];
        paths.push_back({{"from", from},
                         {"to", to},
                         {"transport", reach.transports[t]},
                         {"works", reach.works(from, to, t)},
                         {way == Way::works ? "route" : "reason", detail}});
      }
    }
  }
  return nlohmann::json{{"ranks", reach.ranks},     {"transports", reach.transports},
                        {"network", reach.network}, {"joined", reach.joined},
                        {"missing", reach.missing}, {"paths", paths}}
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         '\n';
}

}  // namespace motet_topo
