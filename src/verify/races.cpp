// Walks the steps in program order and remembers, for every element, who wrote it and who has read
// it since. Each access must be ordered behind those: all other conflicting pairs follow by
// transitivity. Element by element, apart from the builder's intervals, so that one checks the
// other.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "verify/system.hpp"

namespace motet {
namespace {

// Which steps come before which by dependencies, and of those which by a path with a whole
// dependency on it: these end before the later one begins; the others are followed block by block
// only.
class Ancestors {
 public:
  explicit Ancestors(const Schedule& schedule) : words_((schedule.steps.size() + 63) / 64) {
    any_.resize(schedule.steps.size() * words_);
    whole_.resize(schedule.steps.size() * words_);
    for (std::size_t step = 0; step < schedule.steps.size(); ++step) {
      for (const Dependency& on : schedule.dependencies_of(schedule.steps[step])) add(step, on);
    }
  }

  bool any(std::size_t earlier, std::size_t later) const { return test(any_, earlier, later); }
  bool whole(std::size_t earlier, std::size_t later) const { return test(whole_, earlier, later); }

 private:
  using Bits = std::vector<std::uint64_t>;

  void add(std::size_t step, const Dependency& on) {
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t itself = w == on.step / 64 ? std::uint64_t{1} << on.step % 64 : 0;
      const std::uint64_t before = any_[on.step * words_ + w] | itself;
      any_[step * words_ + w] |= before;
      whole_[step * words_ + w] |= on.blockwise ? whole_[on.step * words_ + w] : before;
    }
  }
  bool test(const Bits& bits, std::size_t earlier, std::size_t later) const {
    return (bits[later * words_ + earlier / 64] >> earlier % 64 & 1U) != 0;
  }

  std::size_t words_;
  Bits any_, whole_;  // a row of bits per step
};

class Races {
 public:
  explicit Races(const Schedule& schedule) : schedule_(schedule), known_(schedule.steps.size()) {}

  // The first pair that is not ordered; false if there is none.
  bool find(std::uint32_t& earlier, std::uint32_t& later) {
    for (now_ = 0; now_ < schedule_.steps.size(); ++now_) {
      const Step& step = schedule_.steps[now_];
      for (const Dependency& on : schedule_.dependencies_of(step)) known_[on.step] = {now_, true};
      bool ordered = true;
      if (step.reads_src()) ordered = ordered && read(step.src);
      if (step.reads_dst()) ordered = ordered && read(step.dst);
      if (step.writes()) ordered = ordered && write(step.dst);
      if (ordered) continue;
      earlier = culprit_;
      later = now_;
      return true;
    }
    return false;
  }

 private:
  static constexpr std::uint32_t nobody = UINT32_MAX;
  struct Element {
    std::uint32_t writer = nobody;
    std::uint32_t last_reader = nobody;  // into readers_
  };
  struct Reader {
    std::uint32_t step, next;
  };
  struct Known {
    std::uint32_t later = nobody;
    bool at_all_blocks = false;  // not only block by block
  };

  bool read(const Slice& slice) {
    std::vector<Element>& elements = at_least(slice);
    for (std::size_t e = slice.offset; e < slice.end(); ++e) {
      if (!follows(elements[e].writer, slice, e)) return false;
      readers_.push_back({now_, elements[e].last_reader});
      elements[e].last_reader = static_cast<std::uint32_t>(readers_.size() - 1);
    }
    return true;
  }

  bool write(const Slice& slice) {
    std::vector<Element>& elements = at_least(slice);
    for (std::size_t e = slice.offset; e < slice.end(); ++e) {
      if (!follows(elements[e].writer, slice, e)) return false;
      for (std::uint32_t r = elements[e].last_reader; r != nobody; r = readers_[r].next) {
        if (!follows(readers_[r].step, slice, e)) return false;
      }
      elements[e] = {now_, nobody};
    }
    return true;
  }

  // Whether the present step, touching `element` of `slice`, comes behind `earlier`, which did too.
  bool follows(std::uint32_t earlier, const Slice& slice, std::size_t element) {
    if (earlier == nobody || earlier == now_) return true;
    // A direct dependency was found well formed: it is whole, or no two slices differ.
    if (known_[earlier].later == now_ && known_[earlier].at_all_blocks) return true;
    if (known_[earlier].later != now_) {
      if (!ancestors_) ancestors_.emplace(schedule_);
      culprit_ = earlier;
      if (!ancestors_->any(earlier, now_)) return false;
      known_[earlier] = {now_, ancestors_->whole(earlier, now_)};
    }
    culprit_ = earlier;
    return known_[earlier].at_all_blocks ||
           touched(schedule_.steps[earlier], slice, element) == slice;
  }

  // The slice of `step` that holds the element.
  static Slice touched(const Step& step, const Slice& slice, std::size_t element) {
    const bool by_src = step.reads_src() && step.src.overlaps(slice) &&
                        element >= step.src.offset && element < step.src.end();
    return by_src ? step.src : step.dst;
  }

  std::vector<Element>& at_least(const Slice& slice) {
    std::vector<Element>& elements = elements_[static_cast<std::size_t>(slice.buffer)];
    if (elements.size() < slice.end()) elements.resize(slice.end());
    return elements;
  }

  const Schedule& schedule_;
  std::array<std::vector<Element>, 3> elements_;
  std::vector<Reader> readers_;
  std::vector<Known> known_;  // by earlier step: for which later one it is known to come first
  std::optional<Ancestors> ancestors_;  // made when direct dependencies do not tell
  std::uint32_t now_ = 0;
  std::uint32_t culprit_ = nobody;
};

}  // namespace

std::string check_races(const System& system) {
  for (std::size_t rank = 0; rank < system.schedules.size(); ++rank) {
    std::uint32_t earlier = 0;
    std::uint32_t later = 0;
    if (!Races(system.schedules[rank]).find(earlier, later)) continue;
    const Node first = system.first_node[rank];
    return fmt::format("race: {} conflicts with {} and does not wait for it",
                       system.describe(first + later), system.describe(first + earlier));
  }
  return {};
}

}  // namespace motet
