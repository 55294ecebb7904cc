#include "verify/symbols.hpp"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "base/assert.hpp"

namespace motet {
namespace {

std::uint64_t pair_of(Symbols::Id left, Symbols::Id right) {
  return std::uint64_t{left} << 32U | right;
}

std::size_t hash(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15U;  // golden ratio: spreads neighbouring ids
  return static_cast<std::size_t>(key ^ key >> 32U);
}

}  // namespace

Symbols::Symbols(int world_size, std::size_t elements, bool commutative)
    : world_size_(world_size),
      elements_(elements),
      commutative_(commutative),
      leaves_(static_cast<Id>(elements * static_cast<std::size_t>(world_size))),
      words_((static_cast<std::size_t>(world_size) + 63) / 64),
      slots_(64, unset) {
  MOTET_ASSERT(elements < (std::size_t{1} << 31U) / static_cast<std::size_t>(world_size),
               "symbols of a problem can be numbered");
}

Symbols::Id Symbols::contribution(Rank rank, std::size_t element) const {
  return static_cast<Id>(static_cast<std::size_t>(rank) * elements_ + element);
}

Symbols::Combination Symbols::view(Id id) const {
  if (!is_leaf(id)) return combinations_[id - leaves_];
  const auto rank = static_cast<Rank>(id / elements_);
  return {id, id, id % elements_, rank, rank, true, true};
}

int Symbols::rank_count(Id id) const {
  if (is_leaf(id)) return 1;
  int count = 0;
  for (std::size_t w = 0; w < words_; ++w) {
    count += std::popcount(ranks_[(id - leaves_) * words_ + w]);
  }
  return count;
}

Symbols::Id Symbols::combine(Id left, Id right) {
  if (commutative_ && right < left) std::swap(left, right);
  Id* slot = find_slot(pair_of(left, right));
  if (*slot != unset) return *slot;
  const Combination one = view(left);
  const Combination other = view(right);
  const Id made = leaves_ + static_cast<Id>(combinations_.size());
  *slot = made;
  const bool apart = add_ranks(left, right);
  combinations_.push_back(
      {.left = left,
       .right = right,
       .element = one.element == other.element ? one.element : mixed,
       .first = one.first,
       .last = other.last,
       .once = one.once && other.once && apart,
       .in_order = one.in_order && other.in_order && one.last + 1 == other.first});
  if (combinations_.size() * 2 > slots_.size()) grow();
  return made;
}

// Appends the ranks of a new combination; whether the operands had none in common.
bool Symbols::add_ranks(Id left, Id right) {
  const std::size_t row = ranks_.size();
  ranks_.resize(row + words_, 0);
  bool apart = true;
  for (const Id id : {left, right}) {
    for (std::size_t w = 0; w < words_; ++w) {
      std::uint64_t bits = 0;
      if (!is_leaf(id)) {
        bits = ranks_[(id - leaves_) * words_ + w];
      } else if (const auto rank = static_cast<std::size_t>(view(id).first); rank / 64 == w) {
        bits = std::uint64_t{1} << rank % 64;
      }
      apart = apart && (ranks_[row + w] & bits) == 0;
      ranks_[row + w] |= bits;
    }
  }
  return apart;
}

Symbols::Id* Symbols::find_slot(std::uint64_t key) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash(key) & mask;; at = (at + 1) & mask) {
    if (slots_[at] == unset) return &slots_[at];
    const Combination& found = combinations_[slots_[at] - leaves_];
    if (pair_of(found.left, found.right) == key) return &slots_[at];
  }
}

void Symbols::grow() {
  slots_.assign(slots_.size() * 4, unset);
  for (std::size_t i = 0; i < combinations_.size(); ++i) {
    *find_slot(pair_of(combinations_[i].left, combinations_[i].right)) =
        leaves_ + static_cast<Id>(i);
  }
}

bool Symbols::is_total(Id id, std::size_t element) const {
  const Combination found = view(id);
  if (found.element != element || !found.once) return false;
  if (!commutative_) return found.in_order && found.first == 0 && found.last == world_size_ - 1;
  return rank_count(id) == world_size_;
}

void Symbols::write(Id id, std::string& text) const {
  constexpr std::size_t longest = 200;
  if (text.size() > longest) return;
  if (is_leaf(id)) {
    text += std::to_string(view(id).first);
    return;
  }
  text += '(';
  write(combinations_[id - leaves_].left, text);
  text += " op ";
  write(combinations_[id - leaves_].right, text);
  text += text.size() > longest ? "..." : ")";
}

std::string Symbols::to_text(Id id) const {
  if (id == unset) return "nothing";
  std::string text = is_leaf(id) ? "rank " : "ranks ";
  write(id, text);
  const std::size_t element = view(id).element;
  return text + (element == mixed ? ", several elements" : fmt::format(", element {}", element));
}

}  // namespace motet
