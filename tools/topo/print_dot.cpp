#include <fmt/format.h>

#include "parts.hpp"
#include "print.hpp"

namespace motet_topo {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

const char* shape_of(PartKind kind) {
  switch (kind) {
    case PartKind::nic:
      return "shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\"";
    case PartKind::accelerator:
      return "shape=box, style=\"rounded,filled\", fillcolor=\"#dcfce7\"";
    case PartKind::pci_switch:
      return "shape=hexagon";
    default:
      return "shape=box";
  }
}

// Nodes are named after their place in the tree: m0, m0_1, ...
class Dot {
 public:
  explicit Dot(const motet::Hardware& hardware) : hardware_(hardware) {}

  void add(const Part& part, const std::string& id) {
    std::string label = escaped(part.name);
    for (const std::string& detail : part.details) label += "\\n" + escaped(detail);
    if (!part.ranks.empty()) label += "\\nrank " + ranks_text(part.ranks);
    text_ += fmt::format("  {} [label=\"{}\", {}];\n", id, label, shape_of(part.kind));
    if (part.kind == PartKind::nic) nic_ids_[part.index] = id;
    if (part.kind == PartKind::accelerator) accelerator_ids_[part.index] = id;
    for (std::size_t i = 0; i < part.children.size(); ++i) {
      const std::string child = fmt::format("{}_{}", id, i);
      add(part.children[i], child);
      text_ += fmt::format("  {} -- {};\n", id, child);
    }
  }

  std::string with_nearest_nics() {
    const std::vector<int> nearest = nearest_nics(hardware_);
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      const auto index = static_cast<int>(i);
      if (nearest[i] < 0 || !accelerator_ids_.contains(index)) continue;
      const auto how = closeness(hardware_, hardware_.accelerators[i].place,
                                 hardware_.nics[static_cast<std::size_t>(nearest[i])].place);
      text_ += fmt::format("  {} -- {} [style=dashed, constraint=false, label=\"{}\"];\n",
                           accelerator_ids_[index], nic_ids_[nearest[i]], name(how));
    }
    return std::move(text_);
  }

 private:
  const motet::Hardware& hardware_;
  std::map<int, std::string> nic_ids_, accelerator_ids_;
  std::string text_;
};

}  // namespace

std::string to_dot(const View& view) {
  std::string text = "graph machines {\n  node [fontname=\"sans-serif\", fontsize=10];\n";
  for (std::size_t i = 0; i < view.survey.machines.size(); ++i) {
    Part tree = part_tree(view.survey, static_cast<int>(i));
    tree.name = hosts_of(view.survey, static_cast<int>(i));
    Dot dot(view.survey.machines[i]);
    dot.add(tree, fmt::format("m{}", i));
    text += dot.with_nearest_nics();
  }
  return text + "}\n";
}

}  // namespace motet_topo
