#include "transport/ofi/exchange.hpp"

#include <thread>

namespace motet::ofi {
namespace {

// With the last words on all lines that end together. What is used of it comes back with time.
constexpr std::chrono::seconds patience_at_the_end(1);
// With a peer that takes none of them: it is gone, or busy.
constexpr std::chrono::milliseconds patience_with_one(200);
// Looks that bring nothing before it is taken that nothing of a connection that has failed is left.
// ofi_rxm deals with up to 32 completions in one, which may all be its own; a connection has fewer
// than 1024 of them.
constexpr int looks_at_nothing = 32;

}  // namespace

Exchange::Exchange(Domain& domain, messages::Directory& directory, std::size_t longest_message)
    : domain_(domain),
      directory_(directory),
      inbox_(domain, longest_message),
      outbox_(domain, longest_message),
      reads_(domain),
      patience_(patience_at_the_end) {}

Exchange::~Exchange() {
  const Deadline deadline = Deadline::after(patience_at_the_end);
  Deadline quiet = Deadline::after(domain_.traits().quiet_before_close);
  while (!quiet.passed() && !deadline.passed()) {
    if (complete()) {
      quiet = Deadline::after(domain_.traits().quiet_before_close);
    } else {
      std::this_thread::yield();
    }
  }
  domain_.close_endpoint();
  reads_.clear();
}

void Exchange::cut_off() {
  if (!domain_.is_open()) return;
  domain_.close_endpoint();
  outbox_.break_all();
  reads_.fail_all();
  outbox_.advance();  // tells the endpoints before anybody uses them again
}

bool Exchange::advance() {
  if (!domain_.is_open()) return outbox_.advance();  // tells of it
  const bool completed = complete();
  const bool posted = inbox_.advance();
  if (!problem().empty()) directory_.lose_all("ofi: " + problem());
  const bool sent = outbox_.advance();
  const bool asked = reads_.advance();
  return completed || posted || sent || asked;
}

bool Exchange::complete() {
  if (!domain_.is_open()) return false;
  const auto completions = domain_.completions();
  for (const Completion& completion : completions) {
    if (completion.buffer->line != nullptr) {
      outbox_.sent(completion);
    } else if (completion.buffer->is_read) {
      reads_.ended(completion);
    } else if (auto message = inbox_.take(completion)) {
      directory_.deliver(*std::move(message));
    }
  }
  return !completions.empty();
}

void Exchange::take_what_is_left() {
  const Deadline deadline = Deadline::after(patience_with_one);
  for (int looks = 0; looks < looks_at_nothing && !deadline.passed(); ++looks) {
    if (complete()) looks = 0;
  }
}

void Exchange::close(Line& line) {
  finish(line);
  if (outbox_.has_failed(line)) take_what_is_left();
  outbox_.close(line);
}

void Exchange::finish(const Line& line) {
  const auto began = Clock::now();
  patience_ =
      std::min<std::chrono::nanoseconds>(patience_at_the_end, patience_ + (began - finished_));
  const Deadline deadline = Deadline::after(patience_);
  Deadline next = Deadline::after(patience_with_one);
  std::size_t left = line.under_way;
  const auto may_be_heard = [&] {
    return domain_.is_open() && line.has_worked && line.problem.empty() && line.under_way > 0;
  };
  while (may_be_heard() && !next.passed() && !deadline.passed()) {
    if (!advance()) std::this_thread::yield();
    if (line.under_way == left) continue;
    left = line.under_way;
    next = Deadline::after(patience_with_one);
  }
  finished_ = Clock::now();
  patience_ -= std::min<std::chrono::nanoseconds>(patience_, finished_ - began);
}

}  // namespace motet::ofi
