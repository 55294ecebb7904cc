#include "execute/short_steps.hpp"

#include <algorithm>

#include "execute/program.hpp"
#include "transport/shm/endpoint.hpp"

namespace motet {
namespace {

// Beyond these, who calls had better look at everything that arrives.
constexpr std::size_t longest_block = 32 * 1024;
constexpr std::size_t most_steps = 64;
// Up to this a copy for each reader costs no more than one for all.
constexpr std::size_t worth_sharing = 64;

bool is_short(const Instruction& i) {
  return i.blocks == 1 && !i.rendezvous && i.bytes <= longest_block &&
         (i.group == 1 || i.bytes <= worth_sharing);
}

ShortStep shorten(const Program& program, const Instruction& i) {
  ShortStep step{.op = i.op,
                 .swapped = i.incoming_first != (i.op == Op::reduce),
                 .goes_back = i.sent_back == 1,
                 .src_buffer = i.src_buffer,
                 .dst_buffer = i.dst_buffer,
                 .bytes = static_cast<std::uint32_t>(i.bytes),
                 .src = i.src,
                 .dst = i.dst,
                 .count = static_cast<std::uint32_t>(i.bytes / program.element_bytes),
                 .fingerprint = i.fingerprint};
  if (i.op == Op::copy || i.op == Op::reduce) return step;
  const Stream& stream = program.streams[i.stream];
  step.key = block_key(0, i.channel, i.first_block);
  step.stream = stream_of(step.key);
  step.peer = stream.peer;
  step.link = stream.link;
  step.endpoint = &stream.link->endpoint();
  return step;
}

}  // namespace

std::vector<ShortStep> short_steps(const Program& program) {
  std::vector<ShortStep> steps;
  if (program.uses_network || program.instructions.size() > most_steps ||
      program.scratch_bytes > short_scratch_bytes) {
    return steps;
  }
  if (!std::ranges::all_of(program.instructions, is_short)) return steps;
  steps.reserve(program.instructions.size());
  for (const Instruction& i : program.instructions) steps.push_back(shorten(program, i));
  return steps;
}

bool is_all_shm(const Program& program) {
  return std::ranges::all_of(program.partners, [](const Partner& partner) {
    return dynamic_cast<shm::ShmEndpoint*>(&partner.link->endpoint()) != nullptr;
  });
}

}  // namespace motet
