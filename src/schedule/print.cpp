#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "schedule/schedule.hpp"

namespace motet {
namespace {

constexpr std::array<std::string_view, 5> ops{"copy", "reduce", "send", "recv", "recv_reduce"};
constexpr std::array<std::string_view, 3> movers{"either", "receiver", "sender"};
constexpr std::array<std::string_view, 3> buffers{"input", "output", "scratch"};

std::string_view name(Op op) {
  return ops[static_cast<std::size_t>(op)];
}
std::string_view name(Mover mover) {
  return movers[static_cast<std::size_t>(mover)];
}
std::string_view name(Buffer buffer) {
  return buffers[static_cast<std::size_t>(buffer)];
}

std::string text(const Slice& slice) {
  return fmt::format("{}[{}..{})", name(slice.buffer), slice.offset, slice.end());
}

std::string effect(const Step& step) {
  std::string src = text(step.src);
  std::string dst = text(step.dst);
  const auto combined = [&](const std::string& mine, const std::string& other) {
    return step.incoming_first ? fmt::format("{} = {} op {}", dst, other, mine)
                               : fmt::format("{} = {} op {}", dst, mine, other);
  };
  switch (step.op) {
    case Op::copy:
      return fmt::format("{} = {}", dst, src);
    case Op::reduce:
      return combined(dst, src);
    case Op::send:
      return src;
    case Op::recv:
      return dst;
    case Op::recv_reduce:
      return combined(src, "incoming");
  }
  return {};
}

nlohmann::json json(const Slice& slice) {
  return {{"buffer", name(slice.buffer)}, {"offset", slice.offset}, {"count", slice.count}};
}

nlohmann::json json(const Schedule& schedule, const Step& step) {
  nlohmann::json object{{"op", name(step.op)}};
  if (!step.is_local()) {
    object["peer"] = step.peer;
    object["channel"] = step.channel;
    object["mover"] = name(step.mover);
  }
  if (step.reads_src()) object["src"] = json(step.src);
  if (step.writes()) object["dst"] = json(step.dst);
  if (step.incoming_first) object["incoming_first"] = true;
  object["after"] = nlohmann::json::array();
  for (const Dependency& on : schedule.dependencies_of(step)) {
    object["after"].push_back({{"step", on.step}, {"blockwise", on.blockwise}});
  }
  return object;
}

}  // namespace

std::string to_text(const Step& step) {
  std::string where;
  if (!step.is_local()) {
    where = fmt::format(" {} {}", step.sends() ? "to" : "from", step.peer);
    if (step.channel != 0) where += fmt::format(" channel {}", step.channel);
    if (step.mover != Mover::either) where += fmt::format(" moved by {}", name(step.mover));
  }
  return fmt::format("{}{}: {}", name(step.op), where, effect(step));
}

std::string to_text(const Schedule& schedule, Rank me) {
  std::string lines = fmt::format("rank {}: {} steps, {} elements of scratch\n", me,
                                  schedule.steps.size(), schedule.scratch_count);
  for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
    lines += fmt::format("{:>4} {}", i, to_text(schedule.steps[i]));
    const char* separator = "; after ";
    for (const Dependency& on : schedule.dependencies_of(schedule.steps[i])) {
      lines += fmt::format("{}{}{}", separator, on.blockwise ? "~" : "", on.step);
      separator = ", ";
    }
    lines += '\n';
  }
  return lines;
}

std::string to_json(const Schedule& schedule, Rank me) {
  nlohmann::json object{{"rank", me}, {"scratch", schedule.scratch_count}};
  object["steps"] = nlohmann::json::array();
  for (const Step& step : schedule.steps) object["steps"].push_back(json(schedule, step));
  return object.dump();
}

std::string to_dot(const Schedule& schedule, Rank me) {
  std::string graph = fmt::format("digraph rank{} {{\n  node [shape=box];\n", me);
  for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
    graph += fmt::format("  s{} [label=\"{}\"];\n", i, to_text(schedule.steps[i]));
    for (const Dependency& on : schedule.dependencies_of(schedule.steps[i])) {
      graph += fmt::format("  s{} -> s{}{};\n", on.step, i, on.blockwise ? " [style=dashed]" : "");
    }
  }
  return graph + "}\n";
}

}  // namespace motet
