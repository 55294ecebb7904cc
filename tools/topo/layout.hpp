// Where each part of a machine lies in the picture: boxes in boxes, in pixels.
#pragma once

#include <vector>

#include "parts.hpp"

namespace motet_topo {

struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;

  double right() const { return x + width; }
  double bottom() const { return y + height; }
  double centre() const { return x + width / 2; }
  double middle() const { return y + height / 2; }
};

struct Box {
  const Part* part = nullptr;  // of the tree that was laid out
  Rectangle at;
  double header = 0;  // height of what is written above the boxes inside
  std::vector<Box> inner;
};

// The machine's box, its upper left corner at 0, 0. `machine` outlives it.
Box lay_out(const Part& machine);

// Whether a part is drawn as a card: a device that holds nothing.
bool is_card(const Part& part);

}  // namespace motet_topo
