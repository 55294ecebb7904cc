// Maximum flow and the minimum cut that proves it (Dinic: shortest augmenting paths, level by
// level), on graphs whose capacities are whole numbers.
#pragma once

#include <algorithm>
#include <vector>

namespace motet {

// `Capacity`: std::int64_t, or __int128 where sums of products could be larger than that.
template <class Capacity>
class MaxFlow {
 public:
  // More than any sum of capacities may be.
  static constexpr Capacity unbounded = static_cast<Capacity>(1) << (8 * sizeof(Capacity) - 8);

  explicit MaxFlow(int vertices) : leaving_(vertices) {}

  // Gives the arc's number. There may be several between two vertices.
  int add(int from, int to, Capacity capacity) {
    const int arc = static_cast<int>(arcs_.size());
    arcs_.push_back({to, capacity});
    arcs_.push_back({from, 0});
    capacities_.push_back(capacity);
    leaving_[from].push_back(arc);
    leaving_[to].push_back(arc + 1);
    return arc / 2;
  }
  void set(int arc, Capacity capacity) { capacities_[arc] = capacity; }

  // Starts anew from no flow. Stops once there is as much as `enough`.
  Capacity run(int source, int sink, Capacity enough = unbounded) {
    for (std::size_t i = 0; i < capacities_.size(); ++i) {
      arcs_[2 * i].left = capacities_[i];
      arcs_[2 * i + 1].left = 0;
    }
    sink_ = sink;
    Capacity flow = 0;
    while (flow < enough && find_levels(source)) {
      next_.assign(leaving_.size(), 0);
      while (flow < enough) {
        const Capacity more = push(source, enough - flow);
        if (more == 0) break;
        flow += more;
      }
    }
    return flow;
  }

  // After run() found less than enough: whether the vertex is on the source's side of the minimum
  // cut nearest to the source.
  bool on_source_side(int vertex) const { return level_[vertex] >= 0; }

 private:
  struct Arc {
    int to = 0;
    Capacity left = 0;  // of the capacity; of the reverse arc: what flows
  };

  bool find_levels(int source) {
    level_.assign(leaving_.size(), -1);
    level_[source] = 0;
    queue_.assign(1, source);
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      for (const int arc : leaving_[queue_[i]]) {
        const int to = arcs_[arc].to;
        if (arcs_[arc].left == 0 || level_[to] >= 0) continue;
        level_[to] = level_[queue_[i]] + 1;
        queue_.push_back(to);
      }
    }
    return level_[sink_] >= 0;
  }

  // Paths are as long as the graph has levels, so the recursion is as deep as that.
  Capacity push(int at, Capacity most) {
    if (at == sink_) return most;
    for (int& next = next_[at]; next < static_cast<int>(leaving_[at].size()); ++next) {
      const int arc = leaving_[at][next];
      if (arcs_[arc].left == 0 || level_[arcs_[arc].to] != level_[at] + 1) continue;
      const Capacity pushed = push(arcs_[arc].to, std::min(most, arcs_[arc].left));
      if (pushed == 0) continue;
      arcs_[arc].left -= pushed;
      arcs_[arc ^ 1].left += pushed;
      return pushed;
    }
    return 0;
  }

  std::vector<Arc> arcs_;  // each followed by its reverse
  std::vector<Capacity> capacities_;
  std::vector<std::vector<int>> leaving_;
  std::vector<int> level_, next_, queue_;
  int sink_ = 0;
};

}  // namespace motet
