#include <algorithm>
#include <array>

#include "algorithms/alltoall_bruck.hpp"
#include "algorithms/alltoall_pairwise.hpp"
#include "algorithms/alltoall_two_level.hpp"
#include "algorithms/parts.hpp"

namespace motet {

void build_pairwise_alltoall(const Problem& p, Rank me, ScheduleBuilder& b) {
  const int n = p.world_size();
  const Shares from(b.input(), p.parts);
  const Shares into(b.output(), p.received_parts());
  std::size_t longest = 0;
  for (int k = 1; k < n; ++k) longest = std::max(longest, from.at(me + k).count);
  // One goes out while the other is filled.
  const std::array places{b.scratch(longest), b.scratch(longest)};
  b.copy(from.at(me), into.at(me));
  for (int round = 0; round < n; ++round) {
    const Rank peer = (round - me + n) % n;
    if (peer == me) continue;
    const Slice place = places[static_cast<std::size_t>(round) % places.size()];
    const Slice out = place.sub(0, from.at(peer).count);
    b.copy(from.at(peer), out);
    b.send(peer, out, via_of(p, out));
    b.recv(peer, into.at(peer), via_of(p, into.at(peer)));
  }
}

namespace {

// Part k is the one for the rank k on from here; after all hops, from the rank k back. Where each
// lies now.
class Hopping {
 public:
  Hopping(const Problem& p, Rank me, ScheduleBuilder& b)
      : b_(b), world_(p.topology.world(me)), part_count_(p.parts.count(0)) {
    const Shares from(b.input(), p.parts);
    for (int k = 0; k < world_.size(); ++k) parts_.push_back(from.at(me + k));
  }

  // Those whose distance has the bit `hop` go that far.
  void round(int hop, Via via) {
    std::vector<Slice*> moved;
    for (int k = 0; k < world_.size(); ++k) {
      if ((k & hop) != 0) moved.push_back(&parts_[static_cast<std::size_t>(k)]);
    }
    const Slice out = b_.scratch(moved.size() * part_count_);
    const Slice in = b_.scratch(moved.size() * part_count_);
    pack(moved, out);
    b_.send(world_.at(world_.index() + hop), out, via);
    b_.recv(world_.at(world_.index() - hop), in, via);
    for (std::size_t i = 0; i < moved.size(); ++i) *moved[i] = part(in, i);
  }

  void deliver(const Shares& into) {
    for (int k = 0; k < world_.size(); ++k) {
      b_.copy(parts_[static_cast<std::size_t>(k)], into.at(world_.index() - k));
    }
  }

 private:
  Slice part(Slice whole, std::size_t i) const { return whole.sub(i * part_count_, part_count_); }
  // Neighbours in one copy.
  void pack(const std::vector<Slice*>& parts, Slice out) {
    for (std::size_t i = 0; i < parts.size();) {
      const std::size_t first = i++;
      Slice run = *parts[first];
      for (; i < parts.size(); ++i) {
        const bool next = parts[i]->buffer == run.buffer && parts[i]->offset == run.end();
        if (!next) break;
        run.count += part_count_;
      }
      b_.copy(run, out.sub(first * part_count_, run.count));
    }
  }

  ScheduleBuilder& b_;
  Group world_;
  std::size_t part_count_;
  std::vector<Slice> parts_;
};

}  // namespace

void build_bruck_alltoall(const Problem& p, Rank me, ScheduleBuilder& b) {
  Hopping parts(p, me, b);
  for (int hop = 1; hop < p.world_size(); hop *= 2) parts.round(hop, {.mover = p.params.mover});
  parts.deliver(Shares(b.output(), p.parts));
}

bool supports_two_level_alltoall(const Problem& p) {
  return has_leaders(p) && p.topology.uniform_nodes() && equal_parts(p);
}

namespace {

class TwoLevels {
 public:
  TwoLevels(const Problem& p, Rank me, ScheduleBuilder& b)
      : b_(b),
        node_(p.topology.node(me)),
        rail_(p.topology.rail(me)),
        from_(b.input(), p.parts),
        into_(b.output(), p.parts),
        part_count_(p.parts.count(0)),
        // In place a part may only be overwritten once it has been sent: buffered.
        via_{.mover = p.in_place ? Mover::either : p.params.mover} {
    for (const Rank fellow : node_.members()) rails_.push_back(p.topology.rail(fellow));
  }

  // What my fellows and I have for the node that is `distance` on, for its rank on my rail.
  void collect(int distance) {
    const int target = rail_.index() + distance;
    const int me = node_.index();
    const Slice bundle = b_.scratch(static_cast<std::size_t>(node_.size()) * part_count_);
    bundles_.push_back(bundle);
    for (int k = 1; k < node_.size(); ++k) {
      b_.send(node_.at(me + k), from_.at(rail_of(me + k).at(target)), via_);
    }
    b_.copy(from_.at(rail_.at(target)), part(bundle, me));
    for (int k = 1; k < node_.size(); ++k) {
      b_.recv(node_.at(me - k), part(bundle, (me - k + node_.size()) % node_.size()), via_);
    }
  }

  void exchange(int distance) {
    const int me = rail_.index();
    const Slice bundle = bundles_[static_cast<std::size_t>(distance) - 1];
    for (const auto& [first, length] : runs(me)) {
      const Slice run = part(bundle, first);
      b_.send(rail_.at(me + distance),
              {run.buffer, run.offset, static_cast<std::size_t>(length) * part_count_}, via_);
    }
    const int source = (me - distance + rail_.size()) % rail_.size();
    for (const auto& [first, length] : runs(source)) {
      b_.recv(rail_.at(source), into_.run(rail_of(first).at(source), length).front(), via_);
    }
  }

  void exchange_inside() {
    const int me = node_.index();
    for (int k = 1; k < node_.size(); ++k)
      b_.send(node_.at(me + k), from_.at(node_.at(me + k)), via_);
    b_.copy(from_.at(node_.me()), into_.at(node_.me()));
    for (int k = 1; k < node_.size(); ++k)
      b_.recv(node_.at(me - k), into_.at(node_.at(me - k)), via_);
  }

 private:
  struct Run {
    int first, length;  // places on the node
  };

  const Group& rail_of(int place) const {
    const int n = node_.size();
    return rails_[static_cast<std::size_t>((place % n + n) % n)];
  }
  Slice part(Slice bundle, int i) const {
    return bundle.sub(static_cast<std::size_t>(i) * part_count_, part_count_);
  }
  // The places of a node whose ranks are numbered one after the other: their parts are neighbours.
  std::vector<Run> runs(int node) const {
    std::vector<Run> found;
    for (int place = 0; place < node_.size(); ++place) {
      const bool next = place > 0 && rail_of(place).at(node) == rail_of(place - 1).at(node) + 1;
      if (next) {
        ++found.back().length;
      } else {
        found.push_back({place, 1});
      }
    }
    return found;
  }

  ScheduleBuilder& b_;
  Group node_, rail_;
  std::vector<Group> rails_;  // of my node's ranks: the same nodes in the same order
  Shares from_, into_;
  std::size_t part_count_;
  Via via_;
  std::vector<Slice> bundles_;  // by distance, from 1
};

}  // namespace

void build_two_level_alltoall(const Problem& p, Rank me, ScheduleBuilder& b) {
  TwoLevels levels(p, me, b);
  const int nodes = p.topology.node_count();
  for (int distance = 1; distance < nodes; ++distance) levels.collect(distance);
  levels.exchange_inside();
  for (int distance = 1; distance < nodes; ++distance) levels.exchange(distance);
}

}  // namespace motet
