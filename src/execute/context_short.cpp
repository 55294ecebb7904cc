// Short collectives, run without the bookkeeping of passes.
#include <array>
#include <cstring>

#include "execute/context.hpp"
#include "execute/waiting.hpp"

namespace motet {

// One call of a short program under way.
struct Context::Short {
  const Program& program;
  std::array<std::byte*, 3> base;  // input, output, scratch
  Key key;                         // of the operation
  std::uint32_t stream;            // likewise
  std::uint32_t consumed;
  int looks;

  std::byte* src(const ShortStep& step) const {
    return base[static_cast<std::size_t>(step.src_buffer)] + step.src;
  }
  std::byte* dst(const ShortStep& step) const {
    return base[static_cast<std::size_t>(step.dst_buffer)] + step.dst;
  }
};

// The hot path in one function, as in Operation::pass.
[[gnu::flatten]] std::size_t Context::run_short(const Program& program, Operation::Buffers buffers,
                                                int looks) {
  const std::uint64_t sequence = started_ + 1;
  if (!active_.empty() || !queue_.empty() || suspected_ || !has_window(program, sequence)) return 0;
  const Key key = operation_key(id_, sequence, false);
  Short call{.program = program,
             .base = {const_cast<std::byte*>(static_cast<const std::byte*>(buffers.input)),
                      static_cast<std::byte*>(buffers.output), short_scratch_.data()},
             .key = key,
             .stream = stream_of(key),
             .consumed = static_cast<std::uint32_t>(completed_.value()),
             .looks = looks};
  const ShortStep* const begin = program.short_steps.data();
  const ShortStep* const end = begin + program.short_steps.size();
  const ShortStep* next = begin;
  while (next != end && do_at_once(call, *next)) ++next;
  if (next == begin) return 0;
  started_ = sequence;
  count_sends(program, sequence);
  if (next == end) conclude_collective(program, sequence, buffers.output);
  return static_cast<std::size_t>(next - begin);
}

void Context::resume(Operation& operation, Operation::Buffers buffers, std::size_t steps_done) {
  operation.bind({buffers, started_, -1, false, this}, id_);
  operation.skip(steps_done, short_scratch_.data());
  operation.phase = Operation::Phase::active;
  active_.push_back(&operation);
}

bool Context::do_at_once(Short& call, const ShortStep& step) {
  switch (step.op) {
    case Op::copy:
      std::memcpy(call.dst(step), call.src(step), step.bytes);
      return true;
    case Op::reduce:
      combine(call, step, call.dst(step));
      return true;
    case Op::send:
      return send_at_once(call, step);
    case Op::recv:
    case Op::recv_reduce:
      return receive_at_once(call, step);
  }
  return false;
}

bool Context::send_at_once(const Short& call, const ShortStep& step) {
  const Header header{.key = call.key | step.key,
                      .fingerprint = call.program.fingerprint,
                      .consumed = call.consumed,
                      .bytes = step.bytes,
                      .stream = call.stream | step.stream};
  if (!step.link->send(header, call.src(step))) return false;
  Peer& peer = peers_[static_cast<std::size_t>(step.peer)];
  peer.told = call.consumed;
  peer.untold = 0;  // nothing is under way, so this tells of all
  return true;
}

// What is not as expected is left to the operation.
bool Context::receive_at_once(Short& call, const ShortStep& step) {
  const Key key = call.key | step.key;
  Link::Found found = step.link->find(key, exact_mask);
  while (found.arrival == nullptr) {
    if (call.looks-- <= 0) return false;
    pause_cpu();
    found = step.link->find(key, exact_mask);
  }
  const Header& header = found.arrival->header;
  if (header.fingerprint != call.program.fingerprint || header.bytes != step.bytes) return false;
  note_consumed(step.peer, false, header.consumed);
  if (step.op == Op::recv) {
    std::memcpy(call.dst(step), found.arrival->data, step.bytes);
  } else {
    combine(call, step, found.arrival->data);
  }
  step.link->release(found);
  return true;
}

// dst = src op incoming. Of a reduce, dst comes in.
void Context::combine(const Short& call, const ShortStep& step, const std::byte* incoming) {
  const std::byte* first = call.src(step);
  const std::byte* second = incoming;
  if (step.incoming_first != (step.op == Op::reduce)) std::swap(first, second);
  call.program.kernel(call.dst(step), first, second, step.count);
}

}  // namespace motet
