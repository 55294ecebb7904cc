// Draws the graph that a fabric's description means.
#pragma once

#include <span>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

class FabricGraph {
 public:
  // Fills in what follows from fabric.description(). Throws Error{invalid_argument} if that is too
  // much.
  static void draw(Fabric& fabric) { FabricGraph(fabric).draw_all(); }

 private:
  explicit FabricGraph(Fabric& fabric) : fabric_(fabric) {}

  void draw_all();
  void draw_join(const Join& join);
  std::vector<Vertex> children_of(const Join& join) const;
  // What the line gives one group, whose ranks or switches are `children`.
  void draw_group(const Join& join, std::span<const Vertex> children);
  void add_star(const Join& join, std::span<const Vertex> children);
  void add_rails(const Join& join, std::span<const Vertex> children);
  void add_link(const Join& join, int link_class, Vertex a, Vertex b);
  void check_others(const Join& join, std::span<const Vertex> children) const;
  int tier_of(Vertex a, Vertex b) const;
  Rank first_rank(Vertex vertex) const;
  void index();

  Fabric& fabric_;
  int line_ = 0;            // the join being drawn
  Vertex first_child_ = 0;  // of its children, which follow one another
  std::vector<std::vector<Vertex>>
      given_;  // by tier: the switches of the latest line that gave any
};

}  // namespace motet
