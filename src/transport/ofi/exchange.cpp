#include "transport/ofi/exchange.hpp"

#include <thread>

namespace motet::ofi {
namespace {

// With the last words on all lines together: those who do not take them are gone, or busy.
constexpr std::chrono::seconds patience_at_the_end(1);

}  // namespace

Exchange::Exchange(Domain& domain, messages::Directory& directory, std::size_t longest_message)
    : domain_(domain),
      directory_(directory),
      inbox_(domain, longest_message),
      outbox_(domain, longest_message),
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
}

bool Exchange::advance() {
  const bool completed = complete();
  const bool posted = inbox_.advance();
  const bool sent = outbox_.advance();
  return completed || posted || sent;
}

bool Exchange::complete() {
  const auto completions = domain_.completions();
  for (const Completion& completion : completions) {
    if (completion.buffer->line != nullptr) {
      outbox_.sent(completion);
    } else if (auto message = inbox_.take(completion)) {
      directory_.deliver(*std::move(message));
    }
  }
  return !completions.empty();
}

void Exchange::finish(const Line& line) {
  const auto began = Clock::now();
  const Deadline deadline = Deadline::after(patience_);
  while (line.has_worked && line.under_way > 0 && !deadline.passed()) {
    if (!advance()) std::this_thread::yield();
  }
  patience_ -= std::min<std::chrono::nanoseconds>(patience_, Clock::now() - began);
}

}  // namespace motet::ofi
