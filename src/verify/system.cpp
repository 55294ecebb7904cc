#include "verify/system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace motet {
namespace {

// One end of a message; sorted, the ends of one (from, to, channel) lie together in program order.
struct End {
  std::uint64_t stream;  // from, to, channel
  Node node;

  bool operator<(const End& other) const {
    return stream != other.stream ? stream < other.stream : node < other.node;
  }
};

std::uint64_t stream(Rank from, Rank to, Channel channel) {
  return static_cast<std::uint64_t>(from) << 36U | static_cast<std::uint64_t>(to) << 8U | channel;
}

struct Ends {
  std::vector<End> sends, receives;
};

Ends ends(const System& system) {
  Ends all;
  for (Node node = 0; node < system.node_count(); ++node) {
    const Step& step = system.step(node);
    const Rank me = system.rank_of[node];
    if (step.sends()) all.sends.push_back({stream(me, step.peer, step.channel), node});
    if (step.receives()) all.receives.push_back({stream(step.peer, me, step.channel), node});
  }
  std::sort(all.sends.begin(), all.sends.end());
  std::sort(all.receives.begin(), all.receives.end());
  return all;
}

std::string disagreement(const System& system, Node send, Node recv) {
  const Step& one = system.step(send);
  const Step& other = system.step(recv);
  if (one.count() == other.count() && one.mover == other.mover) return {};
  const std::string_view what = one.count() != other.count() ? "counts" : "movers";
  return fmt::format("{} meets {}: their {} differ", system.describe(send), system.describe(recv),
                     what);
}

}  // namespace

System::System(std::span<const Problem> its_problems, const std::vector<Schedule>& its_schedules)
    : problem(its_problems.front()), problems(its_problems), schedules(its_schedules) {
  first_node.push_back(0);
  for (const Schedule& schedule : schedules) {
    const auto rank = static_cast<Rank>(first_node.size() - 1);
    rank_of.insert(rank_of.end(), schedule.steps.size(), rank);
    first_node.push_back(static_cast<Node>(rank_of.size()));
  }
}

std::string System::describe(Node node) const {
  return fmt::format("rank {} step {} ({})", rank_of[node], index_of(node), to_text(step(node)));
}

std::string match(System& system) {
  const Ends all = ends(system);
  auto recv = all.receives.begin();
  for (auto send = all.sends.begin(); send != all.sends.end(); ++send, ++recv) {
    if (recv != all.receives.end() && recv->stream < send->stream) break;
    if (recv == all.receives.end() || recv->stream > send->stream) {
      return fmt::format("{}: nobody receives it", system.describe(send->node));
    }
    if (auto wrong = disagreement(system, send->node, recv->node); !wrong.empty()) return wrong;
    const bool follows = send != all.sends.begin() && std::prev(send)->stream == send->stream;
    system.messages.push_back({send->node, recv->node, follows});
  }
  if (recv == all.receives.end()) return {};
  return fmt::format("{}: nobody sends it", system.describe(recv->node));
}

}  // namespace motet
