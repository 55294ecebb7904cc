#include "transport/ofi/outbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace motet::ofi {
namespace {

using messages::Envelope;

// Most messages: a block of 4 KiB, or control.
constexpr std::size_t small_bytes = 4096 + sizeof(Envelope);
// Each probe opens the device once more.
constexpr std::chrono::seconds probe_interval(2);
// What is under way when a line closes and has not moved for so long is stuck. Lines of peers that
// are well close when all has gone but the last words.
constexpr std::chrono::milliseconds stuck_after(500);

constexpr const char* closed =
    "closed, because memory was still being read after an operation had failed";

}  // namespace

Outbox::Outbox(Domain& domain, std::size_t longest)
    : domain_(domain), small_(small_bytes, &domain), large_(longest, &domain) {}

Outbox::~Outbox() {
  small_.unregister();
  large_.unregister();
}

Line& Outbox::open(Route& route) {
  Line& line = lines_.emplace_back();
  line.route = &route;
  ++route.lines;
  if (!domain_.is_open()) break_line(line, closed);
  return line;
}

bool Outbox::has_failed(const Line& line) const {
  const bool is_stuck =
      line.under_way > line.waiting.size() && Clock::now() - line.moved > stuck_after;
  return line.route->cut || is_stuck;
}

void Outbox::close(Line& line) {
  line.route->cut = has_failed(line);
  drop_waiting(line);
  line.owner = nullptr;
  line.closed = true;
  if (--line.route->lines == 0 && line.route->cut) disconnect(line);
  tell(line);
  remove_if_done(line);
}

// Where the provider would go on using a connection that has failed. It may have given it up by
// itself and be about to make another, which it does not take being asked to give up as well:
// that it accepts a message shows that this is not so. Whoever gets it knows no such endpoint.
void Outbox::disconnect(Line& line) {
  if (!domain_.traits().keeps_failed_connections || !domain_.is_open()) return;
  Buffer* const message = take(sizeof(Envelope));
  if (message == nullptr) return;
  message->bytes = sizeof(Envelope);
  message->line = &line;
  message->connection = line.route->connection;
  std::memset(message->memory, 0, sizeof(Envelope));
  ++line.under_way;
  line.bytes += message->bytes;
  if (domain_.send(*message, line.route->to) != 0) return give_back(*message);
  ++sending_;
  line.route->to = domain_.disconnect(line.route->to);
  line.route->cut = false;
  ++line.route->connection;
}

void Outbox::remove_if_done(Line& line) {
  if (!line.closed || line.under_way > 0) return;
  lines_.remove_if([&](const Line& each) { return &each == &line; });
}

Buffer* Outbox::take(std::size_t bytes) {
  return bytes <= small_bytes ? small_.take() : large_.take();
}

void Outbox::give_back(Buffer& buffer) {
  Line& line = *buffer.line;
  --line.under_way;
  line.bytes -= buffer.bytes;
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
  std::ranges::copy(payload, buffer->memory + sizeof envelope);
  if (line.under_way++ == 0) line.moved = Clock::now();
  line.bytes += bytes;
  line.waiting.push_back(buffer);
  ++waiting_;
  if (line.waiting.size() == 1) try_to_send(line);
}

// The first of those that wait, of which there are some. False: it waits on, or the line is broken.
bool Outbox::try_to_send(Line& line) {
  line.waiting.front()->connection = line.route->connection;
  const long result = domain_.send(*line.waiting.front(), line.route->to);
  if (result == -FI_EAGAIN) {
    if (line.under_way == line.waiting.size()) line.refusals.add(Clock::now());
    return false;
  }
  if (result != 0) {
    break_line(line, domain_.describe("fi_sendmsg", result));
    return false;
  }
  line.refusals.forget();
  line.waiting.pop_front();
  --waiting_;
  ++sending_;
  return true;
}

void Outbox::break_line(Line& line, std::string problem) {
  drop_waiting(line);
  if (!line.problem.empty()) return;
  line.problem = std::move(problem);
  ++untold_;
}

void Outbox::break_all() {
  for (Line& line : lines_) break_line(line, closed);
}

void Outbox::drop_waiting(Line& line) {
  waiting_ -= line.waiting.size();
  for (Buffer* buffer : std::exchange(line.waiting, {})) give_back(*buffer);
}

void Outbox::sent(const Completion& completion) {
  Line& line = *completion.buffer->line;
  --sending_;
  line.moved = Clock::now();
  give_back(*completion.buffer);
  if (completion.problem.empty()) {
    line.has_worked = true;
    line.route->cut = false;
  } else {
    if (completion.buffer->connection == line.route->connection) line.route->cut = true;
    break_line(line, completion.problem);
    if (line.closed) tell(line);
  }
  remove_if_done(line);
}

bool Outbox::advance() {
  if (waiting_ == 0 && untold_ == 0) return false;
  const auto now = Clock::now();
  bool changed = false;
  for (Line& line : lines_) changed |= advance(line, now);
  return changed;
}

bool Outbox::advance(Line& line, Clock::time_point now) {
  bool changed = false;
  while (!line.waiting.empty() && line.refusals.may_try(now) && try_to_send(line)) changed = true;
  if (is_gone(line, now)) break_line(line, "the connection is lost");
  return tell(line) || changed;
}

// Libfabric may also be full of messages to others who do not take theirs.
bool Outbox::is_gone(Line& line, Clock::time_point now) const {
  const auto patience = domain_.traits().gone_when_refused_for;
  const bool suspected = patience.count() > 0 && line.has_worked &&
                         line.refusals.lasting(now) > patience &&
                         sending_ < domain_.sends_at_once() / 2;
  return suspected && (!domain_.traits().refuses_for_the_living || nobody_listens(line, now));
}

// Asked again after each answer: the peer may have gone since.
bool Outbox::nobody_listens(Line& line, Clock::time_point now) const {
  if (line.probe == nullptr) {
    if (now < line.next_probe) return false;
    line.probe = domain_.probe(line.route->to);
  }
  const ListenerProbe::Answer answer = line.probe->look();
  if (answer == ListenerProbe::Answer::pending) return false;
  line.probe.reset();
  line.next_probe = now + probe_interval;
  return answer == ListenerProbe::Answer::nobody;
}

// The owner may have heard of it from the peer itself.
bool Outbox::tell(Line& line) {
  if (line.problem.empty() || std::exchange(line.told, true)) return false;
  --untold_;
  if (line.owner != nullptr) line.owner->lose("ofi: " + line.problem);
  return true;
}

}  // namespace motet::ofi
