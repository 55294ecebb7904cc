#include "communicator/turn.hpp"

#include <algorithm>
#include <thread>

#include "base/error.hpp"

namespace motet {
namespace {

// Alike on all ranks, so that they come again together; not alike for two communicators in each
// other's way, and longer each time.
std::chrono::microseconds pause_before(std::uint64_t salt, int round) {
  constexpr int most_doublings = 5;
  const std::uint64_t mixed =
      (salt + static_cast<std::uint64_t>(round) * 0x9e3779b97f4a7c15U) * 0xbf58476d1ce4e5b9U;
  const int longest = 1000 << std::min(round, most_doublings);
  return std::chrono::microseconds((mixed >> 32) % static_cast<std::uint64_t>(longest));
}

}  // namespace

Turn::~Turn() {
  if (has_it_) give_back(id_);
}

Turn::Word Turn::try_to_take() {
  const Engine::Hold hold(engine_);
  has_it_ = engine_.begin_making();
  return {.has_turn = has_it_ ? 1U : 0U, .next_id = engine_.next_communicator_id()};
}

void Turn::give_back(std::optional<std::uint32_t> used_id) {
  const Engine::Hold hold(engine_);
  has_it_ = false;
  if (used_id) engine_.use_communicator_id(*used_id);
  engine_.end_making();
}

std::uint32_t Turn::checked_id() {
  if (*id_ <= max_communicator_id) return *id_;
  id_.reset();
  throw Error(ErrorCode::unavailable, "all communicator ids have been used");
}

std::uint32_t Turn::take_another() {
  {
    const Engine::Hold hold(engine_);
    engine_.use_communicator_id(*id_);
  }
  ++*id_;
  return checked_id();
}

std::uint32_t Turn::take(const Exchange& exchange, std::uint64_t salt, const Deadline& deadline) {
  for (int round = 0;; ++round) {
    Word mine = try_to_take();
    mine.gives_up = deadline.passed() ? 1 : 0;
    const std::vector<Word> words = exchange(mine);
    const bool all =
        std::ranges::all_of(words, [](const Word& word) { return word.has_turn != 0; });
    if (all) {
      id_ = std::ranges::max(words, {}, &Word::next_id).next_id;
      return checked_id();
    }
    if (has_it_) give_back(std::nullopt);
    if (std::ranges::any_of(words, [](const Word& word) { return word.gives_up != 0; })) {
      throw Error(ErrorCode::timeout,
                  "other communicators of the engine were being made meanwhile");
    }
    std::this_thread::sleep_for(pause_before(salt, round));
  }
}

}  // namespace motet
