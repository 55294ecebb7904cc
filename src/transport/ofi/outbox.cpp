#include "transport/ofi/outbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace motet::ofi {
namespace {

using messages::Envelope;

// Most messages: a block of 4 KiB, or control.
constexpr std::size_t small_bytes = 4096 + sizeof(Envelope);
// For the last words to a peer that may be gone.
constexpr std::chrono::seconds patience_when_closed(2);

}  // namespace

Outbox::Outbox(Domain& domain, std::size_t longest)
    : domain_(domain), small_(small_bytes, &domain), large_(longest, &domain) {}

Outbox::~Outbox() {
  small_.unregister();
  large_.unregister();
}

Line& Outbox::open(fi_addr_t to) {
  Line& line = lines_.emplace_back();
  line.to = to;
  return line;
}

void Outbox::close(Line& line) {
  line.owner = nullptr;
  line.closed = true;
  line.give_up = Deadline::after(patience_when_closed);
  if (!line.problem.empty() && !std::exchange(line.told, true)) --untold_;
  if (line.under_way == 0) lines_.remove_if([&](const Line& each) { return &each == &line; });
}

Buffer* Outbox::take(std::size_t bytes) {
  return bytes <= small_bytes ? small_.take() : large_.take();
}

void Outbox::give_back(Buffer& buffer) {
  (buffer.bytes <= small_bytes ? small_ : large_).take_back(&buffer);
}

void Outbox::post(Line& line, const Envelope& envelope, std::span<const std::byte> payload) {
  if (!line.problem.empty()) return;
  const std::size_t bytes = sizeof envelope + payload.size();
  Buffer* const buffer = take(bytes);
  if (buffer == nullptr) return break_line(line, domain_.problem());
  buffer->bytes = bytes;
  buffer->line = &line;
  std::memcpy(buffer->memory, &envelope, sizeof envelope);
  std::copy(payload.begin(), payload.end(), buffer->memory + sizeof envelope);
  ++line.under_way;
  line.bytes += bytes;
  line.waiting.push_back(buffer);
  ++waiting_;
  try_to_send(line);
}

// The first of those that wait. False: no room, or nothing waits any more.
bool Outbox::try_to_send(Line& line) {
  if (line.waiting.empty()) return false;
  const long result = domain_.send(*line.waiting.front(), line.to);
  if (result == -FI_EAGAIN) return false;
  if (result != 0) {
    break_line(line, domain_.describe("fi_send", result));
    return false;
  }
  line.waiting.pop_front();
  --waiting_;
  return true;
}

void Outbox::break_line(Line& line, std::string problem) {
  drop_waiting(line);
  if (!line.problem.empty()) return;
  line.problem = std::move(problem);
  line.told = line.closed;
  if (!line.told) ++untold_;
}

void Outbox::drop_waiting(Line& line) {
  waiting_ -= line.waiting.size();
  line.under_way -= line.waiting.size();
  for (Buffer* buffer : line.waiting) {
    line.bytes -= buffer->bytes;
    give_back(*buffer);
  }
  line.waiting.clear();
}

void Outbox::sent(const Completion& completion) {
  Buffer& buffer = *completion.buffer;
  Line& line = *buffer.line;
  --line.under_way;
  line.bytes -= buffer.bytes;
  give_back(buffer);
  if (!completion.problem.empty()) break_line(line, completion.problem);
  if (line.closed && line.under_way == 0) close(line);
}

bool Outbox::advance() {
  if (waiting_ == 0 && untold_ == 0) return false;
  bool changed = false;
  for (auto next = lines_.begin(); next != lines_.end();) {
    Line& line = *next++;  // which may go
    while (try_to_send(line)) changed = true;
    changed |= tell(line);
    if (!line.closed) continue;
    if (line.give_up.passed()) drop_waiting(line);
    if (line.under_way == 0) close(line);
  }
  return changed;
}

// Its owner may have heard why from the peer itself.
bool Outbox::tell(Line& line) {
  if (line.problem.empty() || std::exchange(line.told, true)) return false;
  --untold_;
  if (line.owner != nullptr) line.owner->lose("ofi: " + line.problem);
  return true;
}

bool Outbox::idle() const {
  return std::ranges::all_of(lines_, [](const Line& line) { return line.under_way == 0; });
}

}  // namespace motet::ofi
