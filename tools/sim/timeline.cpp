#include "sim/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace motet_sim {
namespace {

using motet::Activity;
using motet::Op;

constexpr int most_ranks = 32;
constexpr double left = 90, top = 112, plot_width = 1180, right = 30;
constexpr double band_gap = 2, lane_gap = 10;

// Okabe and Ito's colours, which colour-blind people can tell apart: a hue for a tier.
struct Colour {
  int red, green, blue;
};
constexpr std::array tier_colours{Colour{0, 114, 178}, Colour{0, 158, 115}, Colour{230, 159, 0},
                                  Colour{213, 94, 0}, Colour{204, 121, 167}};
constexpr Colour copy_colour{150, 150, 150}, reduce_colour{90, 60, 140};

std::string paler(const Colour& colour, double white) {
  const auto mix = [&](int part) {
    return static_cast<int>(std::lround(part + (255 - part) * white));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(colour.red), mix(colour.green), mix(colour.blue));
}

// A message's tier is its hue; what is done with it, how pale it is.
std::string fill(Op op, int tier) {
  if (op == Op::copy) return paler(copy_colour, 0);
  if (op == Op::reduce) return paler(reduce_colour, 0);
  const Colour& colour = tier_colours[static_cast<std::size_t>(tier) % tier_colours.size()];
  return paler(colour, op == Op::send ? 0 : op == Op::recv ? 0.65 : 0.35);
}

std::string_view word(Op op) {
  constexpr std::array words{"copy", "reduce", "send", "recv", "recv_reduce"};
  return words[static_cast<std::size_t>(op)];
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

// ---- lanes

// What a rank does at once lies in rows below each other: what it sends, then what it receives,
// then what its processor does.
enum class Band { sends, receives, works };
constexpr std::array bands{Band::sends, Band::receives, Band::works};

Band band_of(Op op) {
  if (op == Op::send) return Band::sends;
  return op == Op::copy || op == Op::reduce ? Band::works : Band::receives;
}

using Row = std::vector<Activity>;

struct Lane {
  std::vector<Row> rows;
};

void place(std::vector<Row>& rows, const Activity& activity) {
  const auto free =
      std::ranges::find_if(rows, [&](const Row& row) { return row.back().end <= activity.begin; });
  if (free == rows.end()) {
    rows.push_back({activity});
  } else {
    free->push_back(activity);
  }
}

std::vector<Lane> lanes(std::span<const Activity> activities, int ranks) {
  std::vector<Activity> sorted;
  for (const Activity& activity : activities) {
    if (activity.rank < ranks && activity.end > activity.begin) sorted.push_back(activity);
  }
  std::ranges::stable_sort(sorted, {}, &Activity::begin);
  std::vector<Lane> result(static_cast<std::size_t>(ranks));
  for (const Band band : bands) {
    std::vector<std::vector<Row>> rows(result.size());
    for (const Activity& activity : sorted) {
      if (band_of(activity.op) == band)
        place(rows[static_cast<std::size_t>(activity.rank)], activity);
    }
    for (std::size_t rank = 0; rank < result.size(); ++rank) {
      std::ranges::move(rows[rank], std::back_inserter(result[rank].rows));
    }
  }
  return result;
}

// ---- the document

class Picture {
 public:
  Picture(const motet::Fabric& fabric, const Candidate& candidate, std::vector<Lane> lanes)
      : fabric_(fabric),
        lanes_(std::move(lanes)),
        end_(std::max(candidate.result.time.count() * 1e6, 1e-3)) {
    std::size_t rows = 0;
    for (const Lane& lane : lanes_) rows += lane.rows.size();
    row_height_ =
        std::clamp(900.0 / static_cast<double>(std::max<std::size_t>(rows, 1)), 4.0, 12.0);
    height_ = top;
    for (const Lane& lane : lanes_) height_ += height_of(lane) + lane_gap;
  }

  std::string draw(const std::string& title, const std::string& subtitle) {
    const double width = left + plot_width + right;
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
        "{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" "
        "fill=\"white\"/>\n",
        width, height_ + 46);
    label(left, 26, "start", title, "font-size=\"17\" font-weight=\"bold\"");
    label(left, 46, "start", subtitle, "fill=\"#555\"");
    draw_legend();
    draw_axis();
    draw_lanes();
    return text_ + "</svg>\n";
  }

 private:
  double height_of(const Lane& lane) const {
    return std::max<double>(static_cast<double>(lane.rows.size()), 2) * row_height_;
  }
  double x(motet::Seconds time) const { return left + time.count() * 1e6 / end_ * plot_width; }

  void label(double at, double y, std::string_view anchor, std::string_view words,
             std::string_view style = "") {
    text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", at, y,
                         anchor, style, escaped(words));
  }

  void draw_legend() {
    double at = left;
    const auto entry = [&](const std::string& colour, const std::string& words) {
      text_ += fmt::format("<rect x=\"{:.1f}\" y=\"62\" width=\"14\" height=\"12\" fill=\"{}\"/>\n",
                           at, colour);
      label(at + 19, 72, "start", words);
      at += 34 + 6.6 * static_cast<double>(words.size());
    };
    for (const auto& [op, tier] : kinds()) {
      const bool message = op != Op::copy && op != Op::reduce;
      const std::string name = message ? " " + fabric_.topology().tiers()[tier].name : "";
      entry(fill(op, tier), fmt::format("{}{}", word(op), name));
    }
  }

  // What occurs: messages by tier, and work.
  std::vector<std::pair<Op, int>> kinds() const {
    std::vector<std::pair<Op, int>> found;
    for (const Lane& lane : lanes_) {
      for (const Row& row : lane.rows) {
        for (const Activity& a : row) found.emplace_back(a.op, a.tier);
      }
    }
    std::ranges::sort(found, {},
                      [](const auto& kind) { return std::pair(kind.second, kind.first); });
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  void draw_axis() {
    const double power = std::pow(10, std::floor(std::log10(end_ / 8)));
    const double rest = end_ / 8 / power;
    const double step = power * (rest > 5 ? 10 : rest > 2 ? 5 : rest > 1 ? 2 : 1);
    for (int tick = 0; tick * step <= end_ * (1 + 1e-9); ++tick) {
      const double at = left + tick * step / end_ * plot_width;
      text_ += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>\n",
          at, top - 8, height_);
      label(at, height_ + 16, "middle", fmt::format("{:.6g}", tick * step));
    }
    label(left + plot_width / 2, height_ + 36, "middle", "time, us");
  }

  void draw_lanes() {
    double y = top;
    for (std::size_t rank = 0; rank < lanes_.size(); ++rank) {
      const double height = height_of(lanes_[rank]);
      text_ += fmt::format(
          "<rect x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\" fill=\"#f4f4f4\" "
          "fill-opacity=\"0.6\"/>\n",
          left, y, plot_width, height);
      label(left - 10, y + height / 2 + 4, "end", fmt::format("rank {}", rank));
      for (const Row& row : lanes_[rank].rows) {
        draw_row(row, y);
        y += row_height_;
      }
      y = y - static_cast<double>(lanes_[rank].rows.size()) * row_height_ + height + lane_gap;
    }
  }

  // Bars that the eye cannot tell apart become one.
  void draw_row(const Row& row, double y) {
    constexpr double invisible = 0.3;  // px
    for (std::size_t i = 0; i < row.size();) {
      Activity bar = row[i++];
      while (i < row.size() && row[i].op == bar.op && row[i].tier == bar.tier &&
             row[i].peer == bar.peer && x(row[i].begin) - x(bar.end) < invisible &&
             x(row[i].end) - x(row[i].begin) < 4 * invisible) {
        bar.end = row[i++].end;
      }
      draw_bar(bar, y);
    }
  }

  void draw_bar(const Activity& bar, double y) {
    const double width = std::max(0.6, x(bar.end) - x(bar.begin));
    text_ += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" fill=\"{}\"{}>",
        x(bar.begin), y + 0.5, width, row_height_ - 1, fill(bar.op, bar.tier),
        width > 3 ? " stroke=\"white\" stroke-width=\"0.4\"" : "");
    const bool message = bar.op != Op::copy && bar.op != Op::reduce;
    const std::string peer =
        message ? fmt::format(" {} rank {}", bar.op == Op::send ? "to" : "from", bar.peer) : "";
    text_ +=
        fmt::format("<title>rank {} step {}: {}{}, {:.3f} to {:.3f} us</title></rect>\n", bar.rank,
                    bar.step, word(bar.op), peer, bar.begin.count() * 1e6, bar.end.count() * 1e6);
  }

  const motet::Fabric& fabric_;
  std::vector<Lane> lanes_;
  double end_;  // us, of the axis; not 0
  double row_height_ = 0, height_ = 0;
  std::string text_;
};

}  // namespace

std::string timeline_svg(const motet::Fabric& fabric, const motet::Problem& problem,
                         const Candidate& candidate, std::span<const Activity> activities) {
  const int ranks = fabric.world_size();
  const int drawn = std::min(ranks, most_ranks);
  const std::string params = to_text(candidate.params);
  const std::string title =
      fmt::format("{} of {} bytes on {}: {}{}{}, {:.2f} us", motet::name(problem.collective),
                  motet::total_bytes(problem), fabric.name(), candidate.algorithm->name,
                  params.empty() ? "" : " ", params, candidate.result.time.count() * 1e6);
  const std::string subtitle =
      drawn < ranks ? fmt::format("ranks 0 to {} of {}", drawn - 1, ranks)
                    : fmt::format("{} ranks on {} node{}", ranks, fabric.topology().node_count(),
                                  fabric.topology().node_count() == 1 ? "" : "s");
  return Picture(fabric, candidate, lanes(activities, drawn)).draw(title, subtitle);
}

}  // namespace motet_sim
