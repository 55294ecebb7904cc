#include "simulate/symmetry.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace motet {
namespace {

// ---- fabrics

// Vertices and links of a fabric, shifted by some ranks.
class Shift {
 public:
  Shift(const Fabric& fabric, int ranks)
      : fabric_(fabric), image_(static_cast<std::size_t>(fabric.vertex_count()), -1) {
    const int n = fabric.world_size();
    for (Vertex rank = 0; rank < n; ++rank) image_[rank] = (rank + ranks) % n;
    // Switches follow those that they are joined to: a guess, which image_of_links() checks.
    std::vector<Vertex> placed(image_.begin(), image_.begin() + n);
    for (Vertex vertex = 0; vertex < n; ++vertex) placed[vertex] = vertex;
    for (std::size_t next = 0; next < placed.size(); ++next) place_neighbours(placed[next], placed);
  }

  // By link; empty if the fabric is not the same after the shift.
  std::vector<int> image_of_links() const {
    using Key = std::tuple<Vertex, Vertex, int, int, int>;
    const auto key = [](Vertex from, Vertex to, const Link& link) {
      return Key{from, to, link.link_class, link.parallel, link.tier};
    };
    const std::vector<Link>& links = fabric_.links();
    std::vector<std::pair<Key, int>> sorted;
    sorted.reserve(links.size());
    for (std::size_t l = 0; l < links.size(); ++l) {
      sorted.emplace_back(key(links[l].from, links[l].to, links[l]), static_cast<int>(l));
    }
    std::ranges::sort(sorted);
    const auto twin = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::ranges::adjacent_find(sorted, twin) != sorted.end()) return {};
    std::vector<int> images;
    images.reserve(links.size());
    for (const Link& link : links) {
      const Key wanted = key(image_[link.from], image_[link.to], link);
      const auto found = std::ranges::lower_bound(sorted, wanted, {},
                                                  [](const auto& entry) { return entry.first; });
      if (found == sorted.end() || found->first != wanted) return {};
      images.push_back(found->second);
    }
    return images;
  }

 private:
  // The switches next to `vertex` that have no image get those next to its image that are none yet,
  // in the order of links.
  void place_neighbours(Vertex vertex, std::vector<Vertex>& placed) {
    const std::span<const int> theirs = fabric_.leaving(image_[vertex]);
    auto at = theirs.begin();
    for (const int leaving : fabric_.leaving(vertex)) {
      const Link& link = fabric_.links()[leaving];
      if (image_[link.to] >= 0) continue;
      at = std::find_if(at, theirs.end(), [&](int other) {
        const Link& candidate = fabric_.links()[other];
        return candidate.to >= fabric_.world_size() && candidate.link_class == link.link_class &&
               !taken_.contains(candidate.to);
      });
      if (at == theirs.end()) return;
      image_[link.to] = fabric_.links()[*at].to;
      taken_.insert(image_[link.to]);
      placed.push_back(link.to);
    }
  }

  const Fabric& fabric_;
  std::vector<Vertex> image_;
  std::set<Vertex> taken_;  // images of switches
};

std::vector<int> image_of_ports(const Ports& ports, const std::vector<int>& image_of_links) {
  std::vector<int> images(ports.size(), -1);
  for (std::size_t link = 0; link < image_of_links.size(); ++link) {
    int& image = images[ports.of_link(static_cast<int>(link))];
    const int found = ports.of_link(image_of_links[link]);
    if (image >= 0 && image != found) return {};
    image = found;
  }
  return images;
}

Folding fold_by(int cell, int copies, const std::vector<int>& image_of_ports) {
  Folding fold{.cell = cell, .copies = copies};
  fold.orbit.assign(image_of_ports.size(), -1);
  fold.position.assign(image_of_ports.size(), -1);
  for (std::size_t port = 0; port < image_of_ports.size(); ++port) {
    if (fold.orbit[port] >= 0) continue;
    int length = 0;
    for (int at = static_cast<int>(port); fold.orbit[at] < 0; at = image_of_ports[at]) {
      fold.orbit[at] = static_cast<int>(port);
      fold.position[at] = length++;
    }
    if (length == copies) continue;
    for (int at = static_cast<int>(port); fold.position[at] >= 0; at = image_of_ports[at]) {
      fold.position[at] = -1;
    }
  }
  return fold;
}

// Sizes of groups that all follow one another in the order of ranks, smallest first.
std::set<int> cells(const Topology& topology) {
  std::set<int> sizes{1};
  for (std::size_t tier = 0; tier + 1 < topology.tiers().size(); ++tier) {
    const std::vector<int>& group = topology.tiers()[tier].group_of;
    const auto size = static_cast<int>(std::ranges::count(group, group.front()));
    bool regular = topology.world_size() % size == 0;
    for (Rank rank = 0; regular && rank < topology.world_size(); ++rank) {
      regular = group[rank] == rank / size;
    }
    if (regular) sizes.insert(size);
  }
  sizes.erase(topology.world_size());
  return sizes;
}

// ---- schedules

bool is_shifted(const Step& step, const Step& other, Rank shift, int n) {
  const bool same_peer = step.peer < 0 ? other.peer < 0 : other.peer == (step.peer + shift) % n;
  return same_peer && step.op == other.op && step.mover == other.mover &&
         step.channel == other.channel && step.count() == other.count() &&
         step.dependency_count == other.dependency_count;
}

bool is_shifted(const Schedule& schedule, const Schedule& other, Rank shift, int n) {
  const auto alike = [&](const Step& a, const Step& b) { return is_shifted(a, b, shift, n); };
  return schedule.dependencies == other.dependencies &&
         std::ranges::equal(schedule.steps, other.steps, alike);
}

// The ways of a rank's messages.
class Ways {
 public:
  Ways(const Ports& ports, const Folding& fold, const Schedule& schedule, Rank rank)
      : ports_(ports), fold_(fold), rank_(rank) {
    for (const Step& step : schedule.steps) {
      if (step.sends()) peers_.push_back(step.peer);
    }
    std::ranges::sort(peers_);
    peers_.erase(std::unique(peers_.begin(), peers_.end()), peers_.end());
    for (const Rank peer : peers_) ways_.push_back(ports.route(rank, peer));
  }

  bool can_be_folded() const {
    return std::ranges::all_of(ways_, [&](const std::vector<int>& way) {
      return std::ranges::all_of(way, [&](int port) { return fold_.position[port] >= 0; });
    });
  }

  bool are_shifted(int copy) const {
    const int n = ports_.fabric().world_size();
    const Rank shift = copy * fold_.cell;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      const std::vector<int> other = ports_.route(rank_ + shift, (peers_[i] + shift) % n);
      const auto alike = [&](int port, int image) {
        return fold_.orbit[port] == fold_.orbit[image] &&
               (fold_.position[port] + copy) % fold_.copies == fold_.position[image];
      };
      if (!std::ranges::equal(ways_[i], other, alike)) return false;
    }
    return true;
  }

 private:
  const Ports& ports_;
  const Folding& fold_;
  Rank rank_;
  std::vector<Rank> peers_;
  std::vector<std::vector<int>> ways_;
};

// Which cells to look at, the most telling ones first: all if that is not too much.
std::vector<int> copies_to_check(const Folding& fold, Rank root, std::size_t steps_of_cell) {
  constexpr std::size_t most_steps = 4'000'000;  // about a second
  std::vector<int> copies{1, fold.copies - 1, root / fold.cell, fold.copies / 2};
  for (int copy = 2; copy < fold.copies; ++copy) copies.push_back(copy);
  std::erase(copies, 0);
  const std::size_t enough = std::max<std::size_t>(8, most_steps / (steps_of_cell + 1));
  if (copies.size() <= enough) return copies;
  // The others from all over the world.
  std::vector<int> chosen(copies.begin(), copies.begin() + 4);
  for (std::size_t i = 4; i < enough; ++i) {
    chosen.push_back(copies[4 + (i - 4) * (copies.size() - 4) / (enough - 4)]);
  }
  return chosen;
}

}  // namespace

std::vector<Folding> folds(const Ports& ports) {
  std::vector<Folding> found;
  const int n = ports.fabric().world_size();
  for (const int cell : cells(ports.fabric().topology())) {
    const std::vector<int> links = Shift(ports.fabric(), cell).image_of_links();
    if (links.empty()) continue;
    const std::vector<int> images = image_of_ports(ports, links);
    if (!images.empty()) found.push_back(fold_by(cell, n / cell, images));
  }
  return found;
}

bool is_alike(const Ports& ports, const Folding& fold, std::span<const Schedule> cell, Rank root,
              const std::function<Schedule(Rank)>& schedule_of) {
  const int n = ports.fabric().world_size();
  std::vector<Ways> ways;
  std::size_t steps = 0;
  for (Rank rank = 0; rank < fold.cell; ++rank) {
    ways.emplace_back(ports, fold, cell[rank], rank);
    if (!ways.back().can_be_folded()) return false;
    steps += cell[rank].steps.size();
  }
  for (const int copy : copies_to_check(fold, root, steps)) {
    for (Rank rank = 0; rank < fold.cell; ++rank) {
      const Rank shift = copy * fold.cell;
      if (!is_shifted(cell[rank], schedule_of(rank + shift), shift, n)) return false;
      if (!ways[rank].are_shifted(copy)) return false;
    }
  }
  return true;
}

}  // namespace motet
