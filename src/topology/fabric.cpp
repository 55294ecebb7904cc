#include "topology/fabric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/error.hpp"
#include "topology/fabric_graph.hpp"

namespace motet {

Fabric Fabric::from_text(std::string_view text, std::span<const std::string> settings) {
  Fabric fabric(read_fabric(text, settings));
  FabricGraph::draw(fabric);
  return fabric;
}

std::span<const int> Fabric::leaving(Vertex vertex) const {
  return std::span(leaving_).subspan(first_leaving_[vertex],
                                     first_leaving_[vertex + 1] - first_leaving_[vertex]);
}

Bandwidth Fabric::bandwidth(const Link& link) const {
  return {class_of(link).bandwidth.bytes_per_second * link.parallel};
}

bool Fabric::connected() const {
  std::vector<bool> reached(vertex_count(), false);
  std::vector<Vertex> next{0};
  reached[0] = true;
  while (!next.empty()) {
    const Vertex here = next.back();
    next.pop_back();
    for (const int link : leaving(here)) {
      const Vertex there = links_[link].to;
      if (reached[there]) continue;
      reached[there] = true;
      next.push_back(there);
    }
  }
  return std::find(reached.begin(), reached.begin() + world_size(), false) ==
         reached.begin() + world_size();
}

std::string Fabric::label(Vertex vertex) const {
  if (!is_switch(vertex)) return fmt::format("rank {}", vertex);
  const Join& join = join_of(vertex);
  const Tier& tier = topology().tiers()[join.tier];
  const int group = tier.group_of[switch_at(vertex).first_rank];
  std::string text = fmt::format("{} switch", classes()[join.link_class].name);
  if (join.kind == Join::Kind::rails) {
    text += fmt::format(" on the rail of rank {}", switch_at(vertex).first_rank);
  }
  return tier.name == "world" ? text : fmt::format("{} of {} {}", text, tier.name, group);
}

// ---- routes

// A switch on the way up from a rank, or the rank itself.
struct Fabric::Climb {
  Vertex at = 0;
  Seconds latency{};
  double bandwidth = std::numeric_limits<double>::infinity();
  int links = 0;
  int last = -1;    // link taken to get here
  int before = -1;  // index of the step before

  // Higher is slower.
  auto cost() const { return std::tuple(latency, -bandwidth, links); }
};

bool Fabric::goes_up(const Link& link) const {
  if (!is_switch(link.to)) return false;
  // Switches that one line has made are joined as equals.
  return !is_switch(link.from) || switch_at(link.from).line < switch_at(link.to).line;
}

Fabric::Climb Fabric::after(const Climb& step, int link) const {
  const Link& taken = links_[link];
  return {.at = taken.to,
          .latency = step.latency + class_of(taken).latency,
          .bandwidth = std::min(step.bandwidth, bandwidth(taken).bytes_per_second),
          .links = step.links + 1,
          .last = link};
}

int Fabric::best_link(Vertex from, Vertex to) const {
  const std::span<const int> links = leaving(from);
  auto next = std::lower_bound(links.begin(), links.end(), to,
                               [&](int link, Vertex at) { return links_[link].to < at; });
  int best = -1;
  for (; next != links.end() && links_[*next].to == to; ++next) {
    if (best < 0 || after({}, *next).cost() < after({}, best).cost()) best = *next;
  }
  return best;
}

std::vector<Fabric::Climb> Fabric::climb(Rank from) const {
  std::vector<Climb> steps{{.at = from}};
  // What is above has a higher number, so that in this order nothing gets better once it was left.
  for (int next = 0; next < static_cast<int>(steps.size()); ++next) {
    std::sort(steps.begin() + next, steps.end(),
              [](const Climb& a, const Climb& b) { return a.at < b.at; });
    const Vertex here = steps[next].at;
    for (int i = first_up_[here]; i < first_up_[here + 1]; ++i) {
      Climb above = after(steps[next], up_[i]);
      above.before = next;
      const auto known = std::find_if(steps.begin(), steps.end(),
                                      [&](const Climb& step) { return step.at == above.at; });
      if (known == steps.end()) {
        steps.push_back(above);
      } else if (above.cost() < known->cost()) {
        *known = above;
      }
    }
  }
  return steps;
}

// Up to a step of one climb, over a link unless the other climb leads there too, and down it.
struct Fabric::Way {
  const Climb* up = nullptr;
  const Climb* down = nullptr;
  int across = -1;

  auto cost(const Climb& over) const {
    return std::tuple(over.latency + down->latency, -std::min(over.bandwidth, down->bandwidth),
                      over.links + down->links);
  }
};

std::vector<int> Fabric::route(Rank from, Rank to) const {
  if (from == to) return {};
  if (const int direct = best_link(from, to); direct >= 0) return {direct};
  const std::vector<Climb> left = climb(from);
  const std::vector<Climb> right = climb(to);
  Way best;
  Climb best_over;
  for (const Climb& up : left) {
    for (const Climb& down : right) {
      Way way{&up, &down};
      if (up.at != down.at) way.across = link_of_equals(up.at, down.at);
      if (up.at != down.at && way.across < 0) continue;
      const Climb over = way.across < 0 ? up : after(up, way.across);
      if (best.up != nullptr && way.cost(over) >= best.cost(best_over)) continue;
      best = way;
      best_over = over;
    }
  }
  if (best.up == nullptr) {
    throw Error(ErrorCode::unavailable,
                fmt::format("fabric {}: no way through switches joins rank {} and rank {}", name(),
                            from, to));
  }
  std::vector<int> links;
  for (const Climb* step = best.up; step->last >= 0; step = &left[step->before]) {
    links.insert(links.begin(), step->last);
  }
  if (best.across >= 0) links.push_back(best.across);
  for (const Climb* step = best.down; step->last >= 0; step = &right[step->before]) {
    links.push_back(links_[step->last].reverse);
  }
  return links;
}

int Fabric::link_of_equals(Vertex from, Vertex to) const {
  const bool equals =
      is_switch(from) && is_switch(to) && switch_at(from).line == switch_at(to).line;
  return equals ? best_link(from, to) : -1;
}

}  // namespace motet
