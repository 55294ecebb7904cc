// Short collectives, run without the bookkeeping of passes.
#include <array>
#include <cstring>

#include "execute/context.hpp"
#include "execute/waiting.hpp"
#include "transport/shm/endpoint.hpp"

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

void Context::resume(Operation& operation, Operation::Buffers buffers, const ShortStep* next) {
  operation.bind({buffers, started_, -1, false, this}, id_);
  const ShortStep* const begin = operation.program().short_steps.data();
  operation.skip(static_cast<std::size_t>(next - begin), short_scratch_.data());
  operation.phase = Operation::Phase::active;
  active_.push_back(&operation);
}

template <class End>
bool Context::take_step(Short& call, const ShortStep& step) {
  switch (step.op) {
    case Op::copy:
      std::memcpy(call.dst(step), call.src(step), step.bytes);
      return true;
    case Op::reduce:
      combine(call, step, call.dst(step));
      return true;
    case Op::send:
      return send_at_once<End>(call, step);
    case Op::recv:
    case Op::recv_reduce:
      return receive_at_once<End>(call, step);
  }
  return false;
}

template <class End>
bool Context::send_at_once(const Short& call, const ShortStep& step) {
  const Header header{.key = call.key | step.key,
                      .fingerprint = call.program.fingerprint,
                      .consumed = call.consumed,
                      .bytes = step.bytes,
                      .stream = call.stream | step.stream};
  if (!static_cast<End*>(step.endpoint)->send(header, call.src(step))) return false;
  Peer& peer = peers_[static_cast<std::size_t>(step.peer)];
  peer.told = call.consumed;
  peer.untold = 0;  // nothing is under way, so this tells of all
  return true;
}

// What is not as expected is left to the operation.
template <class End>
bool Context::receive_at_once(Short& call, const ShortStep& step) {
  End& endpoint = *static_cast<End*>(step.endpoint);
  if (step.link->aside_count() > 0) return false;
  const Arrival* arrival = endpoint.front();
  for (; arrival == nullptr; arrival = endpoint.front()) {
    if (call.looks-- <= 0) return false;
    pause_cpu();
  }
  const Header& header = arrival->header;
  const bool expected = header.key == (call.key | step.key) && header.bytes == step.bytes &&
                        header.fingerprint == call.program.fingerprint;
  if (!expected) return false;
  note_consumed(step.peer, false, header.consumed);
  if (step.op == Op::recv) {
    std::memcpy(call.dst(step), arrival->data, step.bytes);
  } else {
    combine(call, step, arrival->data);
  }
  endpoint.pop();
  return true;
}

// dst = src op incoming. Of a reduce, dst comes in.
void Context::combine(const Short& call, const ShortStep& step, const std::byte* incoming) {
  const std::byte* first = call.src(step);
  const std::byte* second = incoming;
  if (step.incoming_first != (step.op == Op::reduce)) std::swap(first, second);
  call.program.kernel(call.dst(step), first, second, step.count);
}

// The hot path in one function, as in Operation::pass.
[[gnu::flatten]] const ShortStep* Context::run_short(const Program& program,
                                                     Operation::Buffers buffers, int looks) {
  const std::uint64_t sequence = started_ + 1;
  if (!active_.empty() || !queue_.empty() || suspected_ || !has_window(program, sequence)) {
    return nullptr;
  }
  started_ = sequence;
  count_sends(program, sequence);
  Short call{.program = program,
             .base = {const_cast<std::byte*>(static_cast<const std::byte*>(buffers.input)),
                      static_cast<std::byte*>(buffers.output), short_scratch_.data()},
             .key = operation_key(id_, sequence, false),
             .stream = collective_stream(id_, sequence),
             .consumed = static_cast<std::uint32_t>(completed_.value()),
             .looks = looks};
  const ShortStep* const next =
      program.is_all_shm ? take_steps<shm::ShmEndpoint>(call) : take_steps<Endpoint>(call);
  if (next == program.end_of_short_steps()) conclude_collective(program, sequence, buffers.output);
  return next;
}

// `End`: what all endpoints are.
template <class End>
const ShortStep* Context::take_steps(Short& call) {
  const ShortStep* const end = call.program.end_of_short_steps();
  const ShortStep* next = call.program.short_steps.data();
  while (next != end && take_step<End>(call, *next)) ++next;
  return next;
}

}  // namespace motet
