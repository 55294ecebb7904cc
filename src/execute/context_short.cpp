// Short collectives, run without the bookkeeping of passes.
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "execute/context.hpp"
#include "execute/engine.hpp"
#include "execute/near_parts.hpp"
#include "execute/waiting.hpp"
#include "transport/shm/endpoint.hpp"

namespace motet {

template <class End>
constexpr bool is_shm = std::is_same_v<End, shm::ShmEndpoint>;

// One call of a short program under way.
struct Context::Short {
  const Program& program;
  std::array<std::byte*, 3> base;  // input, output, scratch
  std::uint64_t sequence;
  Key key;               // of the operation
  std::uint32_t stream;  // likewise
  std::uint32_t consumed;
  ShortWait wait;
  const ShortStep* returned = nullptr;  // a send that has been done by the step before it

  Header header(const ShortStep& step) const {
    return {.key = key | step.key,
            .fingerprint = step.fingerprint,
            .consumed = consumed,
            .bytes = step.bytes,
            .stream = stream | step.stream};
  }
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
  if (step.op == Op::send) return send_at_once<End>(call, step);
  if (step.op == Op::recv || step.op == Op::recv_reduce) return receive_at_once<End>(call, step);
  if (step.op == Op::reduce) {
    combine(call, step, call.dst(step));
  } else {
    std::memcpy(call.dst(step), call.src(step), step.bytes);
  }
  return true;
}

template <class End>
bool Context::send_at_once(const Short& call, const ShortStep& step) {
  End& endpoint = *static_cast<End*>(step.endpoint);
  const std::byte* const src = call.src(step);
  if (is_shm<End> && step.bytes <= shm::inline_bytes) {
    return static_cast<shm::ShmEndpoint&>(endpoint).send_in_line(call.header(step), src);
  }
  return call.returned == &step || endpoint.send(call.header(step), src);
}

// The same as below for what fits into a line, without making an Arrival of it.
bool Context::receive_line(Short& call, const ShortStep& step) {
  auto& endpoint = *static_cast<shm::ShmEndpoint*>(step.endpoint);
  const shm::Line& line = endpoint.reader().line();
  const shm::Control expected = endpoint.reader().control_of_line(step.bytes);
  for (;;) {
    const shm::Control found(line.control.load(std::memory_order_acquire));
    if (found.word() == expected.word()) break;
    if (endpoint.reader().has_come(found) || !call.wait.once_more()) return false;
  }
  if (line.key != (call.key | step.key) || line.fingerprint != step.fingerprint) {
    return false;
  }
  note_consumed(step.peer, false, line.consumed);
  take(call, step, line.payload.data());
  endpoint.pop_line();
  return true;
}

// What is not as expected is left to the operation.
template <class End>
bool Context::receive_at_once(Short& call, const ShortStep& step) {
  if (step.link->aside_count() > 0) return false;
  if (is_shm<End> && step.bytes <= shm::inline_bytes) return receive_line(call, step);
  End& endpoint = *static_cast<End*>(step.endpoint);
  const Arrival* arrival = endpoint.front();
  for (; arrival == nullptr; arrival = endpoint.front()) {
    if (!call.wait.once_more()) return false;
  }
  const Header& header = arrival->header;
  const bool expected = header.key == (call.key | step.key) && header.bytes == step.bytes &&
                        header.fingerprint == step.fingerprint;
  if (!expected) return false;
  note_consumed(step.peer, false, header.consumed);
  if (is_shm<End> && step.goes_back && return_at_once(call, step)) return true;
  // Of nothing some endpoints have no data.
  if (is_shm<End> || step.bytes > 0) take(call, step, arrival->data);
  endpoint.pop();
  return true;
}

// As Operation::return_block. `step` has been met; the next one sends its result.
bool Context::return_at_once(Short& call, const ShortStep& step) {
  auto& endpoint = *static_cast<shm::ShmEndpoint*>(step.endpoint);
  std::byte* const incoming = endpoint.front_to_change();
  if (incoming == nullptr) return false;
  std::byte* const dst = call.dst(step);
  const std::byte* const src = call.src(step);
  const std::size_t element_bytes = call.program.element_bytes;
  for_near_parts(step.bytes, element_bytes, [&](std::size_t at, std::size_t bytes) {
    const std::byte* first = src + at;
    const std::byte* second = incoming + at;
    if (step.swapped) std::swap(first, second);
    call.program.kernel(dst + at, first, second, bytes / element_bytes);
    std::memcpy(incoming + at, dst + at, bytes);
  });
  call.returned = &step + 1;
  endpoint.send_back(call.header(*call.returned));
  return true;
}

void Context::take(const Short& call, const ShortStep& step, const std::byte* incoming) {
  if (step.op != Op::recv) return combine(call, step, incoming);
  std::memcpy(call.dst(step), incoming, step.bytes);
}

// dst = src op incoming. Of a reduce, dst comes in.
void Context::combine(const Short& call, const ShortStep& step, const std::byte* incoming) {
  const std::byte* first = call.src(step);
  const std::byte* second = incoming;
  if (step.swapped) std::swap(first, second);
  call.program.kernel(call.dst(step), first, second, step.count);
}

// The hot path in one function, as in Operation::pass.
[[gnu::flatten]] const ShortStep* Context::run_short(const Program& program,
                                                     Operation::Buffers buffers) {
  const std::uint64_t sequence = started_ + 1;
  if (!active_.empty() || !queue_.empty()) return nullptr;
  if (!has_window_to_all(sequence) && !has_window(program, sequence)) return nullptr;
  started_ = sequence;
  Short call{.program = program,
             .base = {const_cast<std::byte*>(static_cast<const std::byte*>(buffers.input)),
                      static_cast<std::byte*>(buffers.output), short_scratch_.data()},
             .sequence = sequence,
             .key = first_key_ | operation_key(0, sequence, false),
             .stream = first_stream_ | collective_stream(0, sequence),
             .consumed = static_cast<std::uint32_t>(completed_.value()),
             .wait = engine_.short_wait()};
  return program.is_all_shm ? run_steps<shm::ShmEndpoint>(call) : run_virtual_steps(call);
}

const ShortStep* Context::run_virtual_steps(Short& call) {
  return run_steps<Endpoint>(call);
}

// `End`: what all endpoints are.
template <class End>
const ShortStep* Context::run_steps(Short& call) {
  const ShortStep* const end = call.program.end_of_short_steps();
  for (const ShortStep* next = call.program.short_steps.data(); next != end; ++next) {
    if (take_step<End>(call, *next)) [[likely]]
      continue;
    note_partial(call, next);
    return next;
  }
  conclude_short(call);
  return end;
}

// As conclude_collective() and count_sends(). Nothing else is under way: what was sent has told of
// all that was consumed before, and from whom something came, nothing is set aside.
void Context::conclude_short(const Short& call) {
  const Program& program = call.program;
  const std::uint64_t sequence = call.sequence;
  if (program.divide != nullptr) {
    program.divide(call.base[static_cast<std::size_t>(Buffer::output)], program.output_count,
                   program.divisor);
  }
  completed_.complete_last(sequence);
  for (const Partner& partner : program.partners) {
    Peer& peer = peers_[static_cast<std::size_t>(partner.rank)];
    if (partner.receives_from) {
      peer.last_from = sequence;
    } else if (partner.link->aside_count() > 0) [[unlikely]] {
      drop_left(*partner.link, sequence);
    }
    if (partner.sends_to) {
      count_send(peer, sequence);
      peer.told = call.consumed;
      peer.untold = static_cast<std::uint32_t>(partner.receives_from);
    } else {
      tell_pending_ |= ++peer.untold >= tell_every;
    }
  }
  if (tell_pending_) [[unlikely]]
    tell_back();
}

// The steps before `next` have been done.
void Context::note_partial(const Short& call, const ShortStep* next) {
  count_sends(call.program, call.sequence);
  for (const ShortStep* step = call.program.short_steps.data(); step != next; ++step) {
    if (step->op != Op::send) continue;
    Peer& peer = peers_[static_cast<std::size_t>(step->peer)];
    peer.told = call.consumed;
    peer.untold = 0;
  }
}

}  // namespace motet
