#include "execute/program.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "execute/lengths.hpp"

namespace motet {
namespace {

// Most of it has left the near caches before the call is over.
constexpr std::size_t large_output_bytes = std::size_t{32} << 20;

// Less arrives together with its header, and is copied before anybody knows where it belongs.
constexpr std::size_t placed_bytes = 32 * 1024;

// What is to go back is sent soon: schedules with thousands of steps need not be searched to the
// end for each.
constexpr std::size_t most_steps_to_return = 16;

// Numbers the messages of each (peer, channel) as they are met in program order.
class Numbering {
 public:
  Numbering(Program& program, std::span<PeerLink* const> links)
      : program_(program), links_(links) {}

  void number(const Step& step, Instruction& instruction) {
    const auto [found, fresh] =
        index_.try_emplace({step.peer, step.channel}, static_cast<std::uint16_t>(counts_.size()));
    if (fresh) {
      program_.streams.push_back(
          {step.peer, links_[static_cast<std::size_t>(step.peer)], step.channel});
      counts_.emplace_back();
    }
    instruction.stream = found->second;
    Count& count = counts_[found->second][step.sends() ? 0 : 1];
    instruction.message = count.messages++;
    instruction.first_block = count.blocks;
    count.blocks += instruction.blocks;
    Partner& partner = partner_of(step.peer);
    (step.sends() ? partner.sends_to : partner.receives_from) = true;
  }

 private:
  struct Count {
    std::uint32_t messages = 0, blocks = 0;
  };

  Partner& partner_of(Rank peer) {
    const auto found = std::ranges::find(program_.partners, peer, &Partner::rank);
    if (found != program_.partners.end()) return *found;
    return program_.partners.emplace_back(Partner{peer, links_[static_cast<std::size_t>(peer)]});
  }

  Program& program_;
  std::span<PeerLink* const> links_;
  std::map<std::pair<Rank, Channel>, std::uint16_t> index_;
  std::vector<std::array<Count, 2>> counts_;  // sends, receives
};

Instruction translate(const Step& step, const Lowering& lowering, std::size_t block_bytes) {
  const std::size_t bytes = step.count() * lowering.element_bytes;
  const std::size_t blocks = (bytes + block_bytes - 1) / block_bytes;
  return {.op = step.op,
          .incoming_first = step.incoming_first,
          .rendezvous = step.mover != Mover::either,
          .src_buffer = step.src.buffer,
          .dst_buffer = step.dst.buffer,
          .channel = step.channel,
          .blocks = static_cast<std::uint32_t>(std::max<std::size_t>(1, blocks)),
          .first_dependency = step.first_dependency,
          .dependency_count = step.dependency_count,
          .fingerprint =
              lowering.fingerprint + (lowering.tells_lengths ? length_code(step.count()) : 0),
          .src = step.src.offset * lowering.element_bytes,
          .dst = step.dst.offset * lowering.element_bytes,
          .bytes = bytes};
}

// Consecutive sends of one slice through one transport that can serve several readers from one
// copy; each reader once, as its room is asked for once.
void find_groups(Program& program) {
  auto& list = program.instructions;
  const auto link_of = [&](const Instruction& i) { return program.streams[i.stream].link; };
  const auto same = [&](const Instruction& a, const Instruction& b) {
    return b.op == Op::send && b.src_buffer == a.src_buffer && b.src == a.src &&
           b.bytes == a.bytes && link_of(a)->group_send() != nullptr &&
           &link_of(b)->transport() == &link_of(a)->transport();
  };
  std::map<const PeerLink*, std::size_t> next_send;
  for (std::size_t i = list.size(); i-- > 0;) {
    Instruction& first = list[i];
    if (first.op != Op::send) continue;
    const auto [next, alone] = next_send.try_emplace(link_of(first), i);
    const std::size_t until_again = alone ? list.size() : next->second - i;
    next->second = i;
    if (i + 1 == list.size() || !same(first, list[i + 1])) continue;
    const std::size_t group = std::min<std::size_t>(list[i + 1].group + 1U, until_again);
    first.group = static_cast<std::uint16_t>(group);
  }
}

// What peers let this rank read needs no placing.
void find_placed(Program& program) {
  for (Instruction& i : program.instructions) {
    if (i.op != Op::recv || i.bytes < placed_bytes) continue;
    PeerLink& link = *program.streams[i.stream].link;
    i.placed = link.placement() != nullptr && link.memory() == nullptr;
  }
}

// Whether step `at` sends what step `receive` has combined back to where it came from, to nobody
// else, and waits for nothing else.
bool returns(const Program& program, std::size_t receive, std::size_t at) {
  const Instruction& i = program.instructions[receive];
  const Instruction& send = program.instructions[at];
  const bool is_same =
      send.src_buffer == i.dst_buffer && send.src == i.dst && send.bytes == i.bytes;
  const bool is_alone = send.group == 1 && program.instructions[at - 1].group == 1;
  if (send.op != Op::send || !is_same || !is_alone || send.dependency_count != 1) return false;
  const Dependency& dependency = program.dependencies[send.first_dependency];
  return dependency.step == receive && dependency.blockwise &&
         program.streams[send.stream].link == program.streams[i.stream].link;
}

void find_sent_back(Program& program) {
  auto& list = program.instructions;
  for (std::size_t at = 0; at < list.size(); ++at) {
    Instruction& i = list[at];
    if (i.op != Op::recv_reduce || program.streams[i.stream].link->send_back() == nullptr) continue;
    const std::size_t end = std::min<std::size_t>(list.size(), at + most_steps_to_return);
    for (std::size_t next = at + 1; next < end && i.sent_back == 0; ++next) {
      if (returns(program, at, next)) i.sent_back = static_cast<std::uint16_t>(next - at);
    }
  }
}

bool reads_over_network(const Program& program, const Instruction& instruction) {
  if (!instruction.rendezvous) return false;
  PeerLink& link = *program.streams[instruction.stream].link;
  return link.memory() != nullptr && !link.transport().shares_memory();
}

bool overlap(const Instruction& writes, const Instruction& reads) {
  return reads.src_buffer == writes.dst_buffer && reads.src < writes.dst + writes.bytes &&
         writes.dst < reads.src + reads.bytes;
}

// Nobody writes to the input, unless the call is in place.
void find_multiplying(Program& program) {
  for (Instruction& i : program.instructions) {
    i.multiplies = i.op != Op::recv && i.src_buffer == Buffer::input;
    if (!i.multiplies || i.op != Op::send) continue;
    const std::size_t longest = std::min(i.bytes, program.block_bytes);
    program.product_bytes = std::max(program.product_bytes, longest);
  }
}

void find_final(Program& program) {
  auto& list = program.instructions;
  for (Instruction& i : list) {
    const bool combines_in_place =
        i.op == Op::reduce || (i.op == Op::recv_reduce && i.src_buffer == Buffer::output);
    i.is_final = i.op != Op::send && i.dst_buffer == Buffer::output && !combines_in_place;
  }
  for (const Instruction& reader : list) {
    if (reader.op == Op::recv) continue;
    for (std::uint32_t d = 0; d < reader.dependency_count; ++d) {
      Instruction& writer = list[program.dependencies[reader.first_dependency + d].step];
      const bool reads_dst = reader.op == Op::reduce && reader.dst_buffer == writer.dst_buffer;
      if (reads_dst || overlap(writer, reader)) writer.is_final = false;
    }
  }
}

}  // namespace

Program lower(const Lowering& lowering) {
  const Schedule& schedule = lowering.schedule;
  Program program;
  const std::size_t whole_elements =
      std::max<std::size_t>(1, lowering.block_bytes / lowering.element_bytes);
  program.block_bytes = whole_elements * lowering.element_bytes;
  program.element_bytes = lowering.element_bytes;
  program.scratch_bytes = schedule.scratch_count * lowering.element_bytes;
  program.reading = lowering.reading;
  program.output_count = lowering.output_count;
  program.kernel = lowering.kernel;
  program.divide = lowering.divide;
  program.divisor = lowering.divisor;
  program.multiply = lowering.multiply;
  program.fingerprint = lowering.fingerprint;
  program.tells_lengths = lowering.tells_lengths;
  program.algorithm = lowering.algorithm;
  program.dependencies = schedule.dependencies;
  if (!lowering.blockwise) {
    for (Dependency& dependency : program.dependencies) dependency.blockwise = false;
  }
  Numbering numbering(program, lowering.links);
  program.instructions.reserve(schedule.steps.size());
  for (const Step& step : schedule.steps) {
    Instruction& instruction =
        program.instructions.emplace_back(translate(step, lowering, program.block_bytes));
    if (!step.is_local()) numbering.number(step, instruction);
  }
  if (program.multiply != nullptr) find_multiplying(program);
  find_groups(program);
  find_placed(program);
  find_sent_back(program);
  find_final(program);
  program.has_large_output = lowering.output_count * lowering.element_bytes >= large_output_bytes;
  program.uses_network = std::ranges::any_of(
      program.streams, [](const Stream& s) { return !s.link->transport().shares_memory(); });
  program.reads_over_network = std::ranges::any_of(
      program.instructions, [&](const Instruction& i) { return reads_over_network(program, i); });
  program.short_steps = short_steps(program);
  program.is_all_shm = is_all_shm(program);
  return program;
}

}  // namespace motet
