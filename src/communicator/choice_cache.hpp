// Choices made before for v-forms, whose counts may change with every call: planning costs far more
// than building a schedule. Choices heed counts coarsely, so there are few.
#pragma once

#include <cstddef>
#include <map>
#include <tuple>

#include "communicator/arguments.hpp"

namespace motet {

// What a choice for a v-form heeds. The same on every rank.
struct ChoiceKey {
  Collective collective{};
  DataType type{};
  Determinism determinism{};
  Rank root = 0;
  const Algorithm* algorithm = nullptr;
  // Of a user's reduction, where the type does not say it.
  std::size_t element_bytes = 0;
  bool commutative = true;
  // Where all ranks know all lengths: like how many parts of which length they are.
  std::size_t parts = 0, longest = 0;

  auto words() const {
    return std::tie(collective, type, determinism, root, algorithm, element_bytes, commutative,
                    parts, longest);
  }
  bool operator<(const ChoiceKey& other) const { return words() < other.words(); }
};

class ChoiceCache {
 public:
  const Choice* find(const ChoiceKey& key) const {
    const auto found = choices_.find(key);
    return found == choices_.end() ? nullptr : &found->second;
  }
  const Choice& add(const ChoiceKey& key, const Choice& choice) {
    if (choices_.size() == most) choices_.clear();
    return choices_.insert_or_assign(key, choice).first->second;
  }

 private:
  static constexpr std::size_t most = 1024;
  std::map<ChoiceKey, Choice> choices_;
};

}  // namespace motet
