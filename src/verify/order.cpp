// Deadlock, for every number of blocks b at once. What must happen before what, for block j of each
// step:
//
//   blockwise dependency       block j after block j
//   whole dependency           every block after the last
//   next message of a channel  every block after the last of the one before, sent and received
//                              (one block is buffered)
//   receive of a message       block j after block j was sent; by rendezvous the two are one event
//   buffer of one block        block j + 1 is sent after block j was received
//
// Only the last moves on by a block. A cycle in which every block waits for the last of itself
// therefore hangs as soon as there are more blocks than the cycle has buffers; so no edge of the
// second or third kind may lie on any cycle, where a message's two ends count as one. The other
// cycles hang where they do not pass a buffer, and do so with one block already. Both tests are
// linear, and together exact.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "verify/system.hpp"

namespace motet {
namespace {

struct Edge {
  Node before, after;
  bool whole;
};

// Edges grouped by where they start.
class Graph {
 public:
  Graph(std::size_t nodes, const std::vector<Edge>& edges)
      : first_(nodes + 1), after_(edges.size()) {
    for (const Edge& edge : edges) ++first_[edge.before + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (const Edge& edge : edges) after_[next[edge.before]++] = edge.after;
  }

  std::size_t size() const { return first_.size() - 1; }
  std::uint32_t begin(Node node) const { return first_[node]; }
  std::uint32_t end(Node node) const { return first_[node + 1]; }
  Node after(std::uint32_t edge) const { return after_[edge]; }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<Node> after_;
};

// Edges between steps of one rank, and along channels.
std::vector<Edge> edges_without_messages(const System& system) {
  std::vector<Edge> edges;
  for (Node node = 0; node < system.node_count(); ++node) {
    const auto rank = static_cast<std::size_t>(system.rank_of[node]);
    const Schedule& schedule = system.schedules[rank];
    for (const Dependency& on : schedule.dependencies_of(system.step(node))) {
      edges.push_back({system.first_node[rank] + on.step, node, !on.blockwise});
    }
  }
  for (std::size_t m = 0; m < system.messages.size(); ++m) {
    if (!system.messages[m].follows_previous) continue;
    const Message& message = system.messages[m];
    const Message& previous = system.messages[m - 1];
    edges.push_back({previous.send, message.send, true});
    edges.push_back({previous.recv, message.recv, true});
    edges.push_back({previous.recv, message.send, true});
  }
  return edges;
}

// The same edges between the events that nodes stand for.
std::vector<Edge> between(std::vector<Edge> edges, const std::vector<Node>& event_of) {
  for (Edge& edge : edges) edge = {event_of[edge.before], event_of[edge.after], edge.whole};
  return edges;
}

// ---- one block

// Events that no cycle keeps from happening, in an order in which they can.
std::vector<Node> runnable(const Graph& graph, const std::vector<Edge>& edges) {
  std::vector<std::uint32_t> missing(graph.size(), 0);
  for (const Edge& edge : edges) ++missing[edge.after];
  std::vector<Node> order;
  order.reserve(graph.size());
  for (Node node = 0; node < graph.size(); ++node) {
    if (missing[node] == 0) order.push_back(node);
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (std::uint32_t e = graph.begin(order[next]); e < graph.end(order[next]); ++e) {
      if (--missing[graph.after(e)] == 0) order.push_back(graph.after(e));
    }
  }
  return order;
}

// A cycle among the events that cannot run: each waits for the next.
std::vector<Node> waiting_cycle(const std::vector<Edge>& edges, const std::vector<Node>& order,
                                std::size_t nodes) {
  std::vector<bool> ran(nodes, false);
  for (const Node node : order) ran[node] = true;
  std::vector<Node> waits_for(nodes, no_node);
  Node at = no_node;
  for (const Edge& edge : edges) {
    if (ran[edge.before] || ran[edge.after]) continue;
    waits_for[edge.after] = edge.before;
    at = std::min(at, edge.after);
  }
  std::vector<bool> seen(nodes, false);
  for (; !seen[at]; at = waits_for[at]) seen[at] = true;
  std::vector<Node> cycle;
  for (Node next = at; cycle.empty() || next != at; next = waits_for[next]) cycle.push_back(next);
  return cycle;
}

std::string cycle_text(const System& system, const std::vector<Node>& cycle) {
  constexpr std::size_t shown = 8;  // enough to see who waits for whom
  std::string text = "deadlock: " + system.describe(cycle.front());
  for (std::size_t i = 1; i < std::min(cycle.size(), shown); ++i) {
    text += " waits for " + system.describe(cycle[i]);
  }
  if (cycle.size() > shown) text += fmt::format(" waits for {} more", cycle.size() - shown);
  return text + " waits for the first";
}

// Both ends of every rendezvous, one after the other.
std::vector<Node> with_receivers(const System& system, const std::vector<Node>& events) {
  std::vector<Node> receiver(system.node_count(), no_node);
  for (const Message& message : system.messages) {
    const bool rendezvous = system.step(message.send).mover != Mover::either;
    if (rendezvous) receiver[message.send] = message.recv;
  }
  std::vector<Node> order;
  order.reserve(system.node_count());
  for (const Node event : events) {
    order.push_back(event);
    if (receiver[event] != no_node) order.push_back(receiver[event]);
  }
  return order;
}

std::string check_one_block(const System& system, std::vector<Edge> edges,
                            std::vector<Node>& order) {
  std::vector<Node> event_of(system.node_count());
  std::iota(event_of.begin(), event_of.end(), Node{0});
  std::size_t events = system.node_count();
  for (const Message& message : system.messages) {
    if (system.step(message.send).mover == Mover::either) {
      edges.push_back({message.send, message.recv, false});
    } else {
      event_of[message.recv] = message.send;
      --events;
    }
  }
  edges = between(std::move(edges), event_of);
  std::vector<Node> ran = runnable(Graph(system.node_count(), edges), edges);
  const auto is_part = [&](Node node) { return event_of[node] != node; };
  ran.erase(std::remove_if(ran.begin(), ran.end(), is_part), ran.end());
  if (ran.size() < events) {
    return cycle_text(system, waiting_cycle(edges, ran, system.node_count()));
  }
  order = with_receivers(system, ran);
  return {};
}

// ---- any number of blocks

// Strongly connected components by Tarjan's algorithm, with a stack of its own.
class Components {
 public:
  explicit Components(const Graph& graph)
      : graph_(graph), of_(graph.size(), none), low_(graph.size(), none), next_(graph.size()) {
    for (Node root = 0; root < graph.size(); ++root) {
      if (low_[root] == none) visit(root);
    }
  }

  bool together(Node one, Node other) const { return of_[one] == of_[other]; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  void visit(Node root) {
    enter(root);
    while (!path_.empty()) {
      const Node node = path_.back();
      if (next_[node] < graph_.end(node)) {
        const Node after = graph_.after(next_[node]++);
        if (low_[after] == none) {
          enter(after);
        } else if (of_[after] == none) {
          low_[node] = std::min(low_[node], low_[after]);
        }
        continue;
      }
      leave(node);
    }
  }

  void enter(Node node) {
    low_[node] = visited_++;
    next_[node] = graph_.begin(node);
    index_.push_back(low_[node]);
    path_.push_back(node);
    open_.push_back(node);
  }

  void leave(Node node) {
    const bool closes = low_[node] == index_.back();
    index_.pop_back();
    path_.pop_back();
    if (!path_.empty()) low_[path_.back()] = std::min(low_[path_.back()], low_[node]);
    if (!closes) return;
    while (of_[node] == none) {
      of_[open_.back()] = node;
      open_.pop_back();
    }
  }

  const Graph& graph_;
  std::vector<std::uint32_t> of_;     // which component; none while it is open
  std::vector<std::uint32_t> low_;    // the earliest visit it reaches
  std::vector<std::uint32_t> next_;   // the edge to look at next
  std::vector<std::uint32_t> index_;  // when those on the path were visited
  std::vector<Node> path_, open_;
  std::uint32_t visited_ = 0;
};

std::string check_any_blocks(const System& system, const std::vector<Edge>& edges) {
  std::vector<Node> event_of(system.node_count());
  std::iota(event_of.begin(), event_of.end(), Node{0});
  for (const Message& message : system.messages) event_of[message.recv] = message.send;
  const std::vector<Edge> joined = between(edges, event_of);
  const Graph graph(system.node_count(), joined);
  const Components components(graph);
  for (std::size_t e = 0; e < edges.size(); ++e) {
    if (!edges[e].whole || !components.together(joined[e].before, joined[e].after)) continue;
    return fmt::format(
        "deadlock with many blocks: {} begins only when {} has ended, which cannot end before the "
        "other has begun",
        system.describe(edges[e].after), system.describe(edges[e].before));
  }
  return {};
}

}  // namespace

std::string check_order(const System& system, std::vector<Node>& order) {
  std::vector<Edge> edges = edges_without_messages(system);
  if (auto wrong = check_any_blocks(system, edges); !wrong.empty()) return wrong;
  return check_one_block(system, std::move(edges), order);
}

}  // namespace motet
