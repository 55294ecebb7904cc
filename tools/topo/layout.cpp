#include "layout.hpp"

#include <algorithm>
#include <cmath>

namespace motet_topo {
namespace {

constexpr double card_width = 168, card_height = 92;
constexpr double gap = 14, padding = 14;
constexpr double lines_gap =
    38;  // between accelerators and NICs: room for the lines that join them
constexpr double title_height = 24, detail_height = 15, ranks_height = 24;
constexpr std::size_t cards_per_row = 4;

double header_height(const Part& part) {
  if (part.kind == PartKind::machine) return 0;
  const double details = part.kind == PartKind::package ? 2 : 1;
  // Neighbouring NUMA nodes stay level, with ranks or without.
  const bool has_ranks = part.kind == PartKind::numa_node || !part.ranks.empty();
  const double ranks = has_ranks ? ranks_height : 0;
  return title_height + detail_height * details + ranks + 8;
}

// Few in one row; many in about as many rows as columns.
std::size_t columns_for(std::size_t boxes) {
  if (boxes <= 2) return std::max<std::size_t>(1, boxes);
  return static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(boxes))));
}

void move(Box& box, double dx, double dy) {
  box.at.x += dx;
  box.at.y += dy;
  for (Box& inner : box.inner) move(inner, dx, dy);
}

// Puts boxes, which lie at 0, 0, into rows from (x, y) on; those of a row get the same height.
// Returns what they cover.
Rectangle arrange(std::vector<Box>& boxes, std::size_t columns, double x, double y) {
  Rectangle covered{x, y, 0, 0};
  for (std::size_t first = 0; first < boxes.size(); first += columns) {
    const std::size_t end = std::min(boxes.size(), first + columns);
    if (first > 0) covered.height += gap;
    double height = 0, right = x;
    for (std::size_t i = first; i < end; ++i) height = std::max(height, boxes[i].at.height);
    for (std::size_t i = first; i < end; ++i) {
      move(boxes[i], right, covered.bottom());
      boxes[i].at.height = height;
      right += boxes[i].at.width + gap;
    }
    covered.width = std::max(covered.width, right - gap - x);
    covered.height += height;
  }
  return covered;
}

Box box_of(const Part& part);

std::vector<Box> boxes_of(const Part& part, auto&& wanted) {
  std::vector<Box> boxes;
  for (const Part& child : part.children) {
    if (wanted(child)) boxes.push_back(box_of(child));
  }
  return boxes;
}

// What holds others first, then accelerators, then NICs.
Box box_of(const Part& part) {
  Box box{&part, {0, 0, card_width, card_height}, 0, {}};
  if (is_card(part)) return box;
  box.header = header_height(part);
  const auto of_kind = [](PartKind kind) {
    return [kind](const Part& child) { return child.kind == kind; };
  };
  std::vector<std::vector<Box>> rows;
  rows.push_back(boxes_of(part, [](const Part& child) { return !is_card(child); }));
  rows.push_back(boxes_of(part, of_kind(PartKind::accelerator)));
  rows.push_back(boxes_of(part, of_kind(PartKind::nic)));
  double bottom = padding + box.header, right = 0;
  const double empty = bottom;
  for (std::vector<Box>& row : rows) {
    if (row.empty()) continue;
    const bool below_accelerators = &row == &rows[2] && !rows[1].empty();
    if (bottom > empty) bottom += below_accelerators ? lines_gap : gap;
    const std::size_t columns = &row == &rows[0] ? columns_for(row.size()) : cards_per_row;
    const Rectangle covered = arrange(row, columns, padding, bottom);
    bottom = covered.bottom();
    right = std::max(right, covered.right());
    box.inner.insert(box.inner.end(), row.begin(), row.end());
  }
  const double least_width = card_width + 2 * padding;
  box.at.width = std::max(right + padding, least_width);
  box.at.height = bottom + (bottom > empty ? padding : 0);
  return box;
}

}  // namespace

bool is_card(const Part& part) {
  return part.kind == PartKind::nic || part.kind == PartKind::accelerator;
}

Box lay_out(const Part& machine) {
  return box_of(machine);
}

}  // namespace motet_topo
