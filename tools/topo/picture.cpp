#include "picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "layout.hpp"
#include "parts.hpp"

namespace motet_topo {
namespace {

using motet::Closeness;
using motet::Hardware;

constexpr double margin = 28, between_machines = 40;
constexpr std::size_t most_unknown = 8;

constexpr auto ink = "#0f172a", faint_ink = "#475569", rank_colour = "#6d28d9";

struct Style {
  const char *fill, *stroke, *accent;
  double radius;
};
Style style_of(PartKind kind) {
  switch (kind) {
    case PartKind::machine:
      return {"#ffffff", "#334155", "", 12};
    case PartKind::package:
      return {"#f1f5f9", "#94a3b8", "", 10};
    case PartKind::numa_node:
      return {"#ffffff", "#94a3b8", "", 8};
    case PartKind::pci_switch:
      return {"#fef9c3", "#ca8a04", "", 6};
    case PartKind::nic:
      return {"#eff6ff", "#3b82f6", "#3b82f6", 6};
    case PartKind::accelerator:
      return {"#ecfdf5", "#10b981", "#10b981", 6};
  }
  return {"#ffffff", "#000000", "", 0};
}

const char* colour_of(Closeness closeness) {
  constexpr std::array colours{"#15803d", "#0891b2", "#d97706", "#dc2626", "#64748b"};
  return colours[static_cast<std::size_t>(closeness)];
}

// Plain characters only: names come from machines and files.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return result;
}

// Letters of these fonts are about this wide, relative to their size.
constexpr double letter = 0.57, bold_letter = 0.64;

std::string shortened(const std::string& text, double width, double size, double letter_width) {
  const auto fits = static_cast<std::size_t>(std::max(4.0, width / (size * letter_width)));
  return text.size() <= fits ? text : text.substr(0, fits - 2) + "..";
}

struct Writing {
  double size = 11;
  const char* colour = faint_ink;
  bool bold = false;
};

class Picture {
 public:
  void text(double x, double y, const std::string& what, const Writing& how) {
    body_ += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" fill=\"{}\"{}>{}</text>\n", x, y,
        how.size, how.colour, how.bold ? " font-weight=\"bold\"" : "", escaped(what));
  }

  void rectangle(const Rectangle& at, const Style& style) {
    body_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{}\" fill=\"{}\" "
        "stroke=\"{}\"/>\n",
        at.x, at.y, at.width, at.height, style.radius, style.fill, style.stroke);
  }

  void curve(const Rectangle& from, const Rectangle& to, const char* colour) {
    const bool downwards = to.y > from.bottom();
    const bool rightwards = to.x > from.x;
    const double x1 = downwards ? from.centre() : rightwards ? from.right() : from.x;
    const double y1 = downwards ? from.bottom() : from.middle();
    const double x2 = downwards ? to.centre() : rightwards ? to.x : to.right();
    const double y2 = downwards ? to.y : to.middle();
    const double bend_x = downwards ? 0 : (x2 - x1) / 2, bend_y = downwards ? (y2 - y1) / 2 : 0;
    body_ += fmt::format(
        "<path d=\"M {:.1f} {:.1f} C {:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}\" fill=\"none\" "
        "stroke=\"{}\" stroke-width=\"2.5\" stroke-dasharray=\"6 3\"/>\n",
        x1, y1, x1 + bend_x, y1 + bend_y, x2 - bend_x, y2 - bend_y, x2, y2, colour);
  }

  void line(double x1, double x2, double y, const char* colour) {
    body_ += fmt::format(
        "<path d=\"M {:.1f} {:.1f} H {:.1f}\" stroke=\"{}\" stroke-width=\"2.5\" "
        "stroke-dasharray=\"6 3\"/>\n",
        x1, y, x2, colour);
  }

  std::string finish(double width, double height) const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
        "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"'DejaVu Sans', Helvetica, Arial, "
        "sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{2}</svg>\n",
        width, height, body_);
  }

 private:
  std::string body_;
};

void shift(Box& box, double dx, double dy) {
  box.at.x += dx;
  box.at.y += dy;
  for (Box& inner : box.inner) shift(inner, dx, dy);
}

// One machine: title, boxes, lines from accelerators to NICs, legend, what is not known.
class MachinePicture {
 public:
  MachinePicture(Picture& picture, const View& view, int index)
      : picture_(picture),
        view_(view),
        index_(index),
        hardware_(view.survey.machines[static_cast<std::size_t>(index)]),
        nearest_(nearest_nics(hardware_)),
        tree_(part_tree(view.survey, index)),
        box_(lay_out(tree_)) {}

  // From (margin, top) on. Returns what it covers.
  Rectangle draw(double top) {
    double y = draw_title(top);
    shift(box_, margin, y);
    draw_holders(box_);
    draw_nearest_nics();  // behind the cards, whose text they would cross
    for (const auto& [card, style] : cards_) draw_card(*card, style);
    y = draw_legend(box_.at.bottom() + 24);
    y = draw_unknown(y);
    return {margin, top, std::max(box_.at.width, least_width), y - top};
  }

 private:
  static constexpr double least_width = 620;  // the title's and the notes' lines

  double draw_title(double y) {
    std::string title = hosts_of(view_.survey, index_);
    if (!hardware_.product.empty()) title += fmt::format(" ({})", hardware_.product);
    picture_.text(margin, y += 20, title, {20, ink, true});
    picture_.text(margin, y += 22, counts_text(hardware_), {13});
    for (const std::string& caches : cache_texts(hardware_))
      picture_.text(margin, y += 17, caches, {});
    if (const std::string allowed = allowed_text(view_.survey, index_); !allowed.empty()) {
      picture_.text(margin, y += 18, allowed, {12, rank_colour, true});
    }
    if (!tree_.ranks.empty()) {
      picture_.text(margin, y += 18, unbound_text(), {12, rank_colour, true});
    }
    return y + 14;
  }

  std::string unbound_text() const {
    return fmt::format("not bound to one package: rank {}", ranks_text(tree_.ranks));
  }

  void draw_holders(const Box& box) {
    const Part& part = *box.part;
    if (is_card(part)) {
      cards_.emplace_back(&box, style_of(part.kind));
      places_[{part.kind, part.index}] = box.at;
      return;
    }
    picture_.rectangle(box.at, style_of(part.kind));
    if (part.kind != PartKind::machine) draw_header(box);
    for (const Box& inner : box.inner) draw_holders(inner);
  }

  void draw_header(const Box& box) {
    const Part& part = *box.part;
    const double x = box.at.x + 14, width = box.at.width - 28;
    double y = box.at.y + 24;
    picture_.text(x, y, part.name, {14, ink, true});
    std::vector<std::string> lines{fmt::format("{}", fmt::join(part.details, ", "))};
    if (part.kind == PartKind::package && part.details.size() > 2) {
      lines = {part.details.front(), fmt::format("{}, {}", part.details[1], part.details[2])};
    }
    for (const std::string& line : lines) {
      picture_.text(x, y += 15, shortened(line, width, 11, letter), {});
    }
    if (part.ranks.empty()) return;
    const std::string ranks = shortened("rank " + ranks_text(part.ranks), width, 12, bold_letter);
    const double pill = static_cast<double>(ranks.size()) * 12 * bold_letter + 14;
    picture_.rectangle({x, y + 6, std::min(pill, width), 20}, {"#ede9fe", rank_colour, "", 10});
    picture_.text(x + 8, y + 20, ranks, {12, rank_colour, true});
  }

  void draw_card(const Box& box, const Style& style) {
    const Part& part = *box.part;
    picture_.rectangle(box.at, style);
    picture_.rectangle({box.at.x, box.at.y, 5, box.at.height}, {style.accent, style.accent, "", 2});
    const double x = box.at.x + 14, width = box.at.width - 20;
    double y = box.at.y + 18;
    picture_.text(x, y, shortened(part.name, width, 13, bold_letter), {13, ink, true});
    for (const std::string& detail : part.details) {
      picture_.text(x, y += 16, shortened(detail, width, 11, letter), {});
    }
    const auto index = static_cast<std::size_t>(part.index);
    if (part.kind == PartKind::nic) {
      const std::string names = names_of(hardware_.nics[index]);
      picture_.text(x, y + 16, shortened(names, width, 11, letter), {});
    } else if (nearest_[index] >= 0) {
      const motet::Nic& nic = hardware_.nics[static_cast<std::size_t>(nearest_[index])];
      picture_.text(x, y + 16, shortened("NIC: " + nic.name, width, 11, bold_letter),
                    {11, colour_of(closeness_of(index)), true});
    }
  }

  // By which transports and the system know it.
  static std::string names_of(const motet::Nic& nic) {
    std::vector<std::string> names = nic.ports;
    for (const std::string& interface : nic.interfaces) {
      if (interface != nic.name) names.push_back(interface);
    }
    return fmt::format("{}", fmt::join(names, ", "));
  }

  void draw_nearest_nics() {
    for (std::size_t i = 0; i < nearest_.size(); ++i) {
      if (nearest_[i] < 0) continue;
      used_.insert(closeness_of(i));
      picture_.curve(places_[{PartKind::accelerator, static_cast<int>(i)}],
                     places_[{PartKind::nic, nearest_[i]}], colour_of(closeness_of(i)));
    }
  }

  // Of an accelerator and its nearest NIC.
  Closeness closeness_of(std::size_t accelerator) const {
    const auto nic = static_cast<std::size_t>(nearest_[accelerator]);
    return closeness(hardware_, hardware_.accelerators[accelerator].place,
                     hardware_.nics[nic].place);
  }

  double draw_legend(double y) {
    if (used_.empty()) return y;
    double x = margin;
    const std::string heading = "nearest NIC of an accelerator:";
    picture_.text(x, y, heading, {12, ink, true});
    x += static_cast<double>(heading.size()) * 12 * bold_letter + 8;
    for (const Closeness how : used_) {
      picture_.line(x, x + 34, y - 4, colour_of(how));
      picture_.text(x + 42, y, std::string(name(how)), {12});
      x += 42 + static_cast<double>(name(how).size()) * 12 * letter + 24;
    }
    return y + 24;
  }

  double draw_unknown(double y) {
    if (hardware_.unknown.empty()) return y;
    picture_.text(margin, y, "could not be found out:", {12, ink, true});
    const std::size_t shown = std::min(most_unknown, hardware_.unknown.size());
    const double width = std::max(box_.at.width, least_width);
    for (std::size_t i = 0; i < shown; ++i) {
      picture_.text(margin, y += 17, shortened(hardware_.unknown[i], width, 11, letter), {});
    }
    if (shown < hardware_.unknown.size()) {
      picture_.text(margin, y += 17, fmt::format("and {} more", hardware_.unknown.size() - shown),
                    {});
    }
    return y + 10;
  }

  Picture& picture_;
  const View& view_;
  const int index_;
  const Hardware& hardware_;
  const std::vector<int> nearest_;
  const Part tree_;
  Box box_;
  std::vector<std::pair<const Box*, Style>> cards_;
  std::map<std::pair<PartKind, int>, Rectangle> places_;  // of cards
  std::set<Closeness> used_;
};

}  // namespace

std::string to_svg(const View& view) {
  Picture picture;
  double width = 0, y = margin;
  for (std::size_t i = 0; i < view.survey.machines.size(); ++i) {
    const Rectangle covered = MachinePicture(picture, view, static_cast<int>(i)).draw(y);
    width = std::max(width, covered.right());
    y = covered.bottom() + between_machines;
  }
  return picture.finish(width + margin, y - between_machines + margin);
}

}  // namespace motet_topo
