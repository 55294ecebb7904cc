#include "transport/flow/ledger.hpp"

#include <algorithm>

namespace motet::flow {

Ledger::Ledger(CreditSender* sender) : sender_(sender) {
  owed_.reserve(max_credits);
}

void Ledger::consumed(std::uint32_t stream) {
  if (sender_ == nullptr) return;
  const auto owed = std::find_if(owed_.rbegin(), owed_.rend(),
                                 [&](const Credit& credit) { return credit.stream == stream; });
  std::uint32_t blocks = 1;
  if (owed == owed_.rend()) {
    owed_.push_back({stream, 1});
  } else {
    blocks = ++owed->blocks;
  }
  if (blocks >= window_blocks / 2 || owed_.size() == max_credits) settle();
}

Credit Ledger::take_one() {
  if (owed_.empty()) return {};
  const Credit credit = owed_.back();
  owed_.pop_back();
  return credit;
}

void Ledger::settle() {
  sender_->send_credits(owed_);
  owed_.clear();
}

void Ledger::disconnect() {
  sender_ = nullptr;
  owed_.clear();
}

}  // namespace motet::flow
