#include "execute/operation.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "device/host/copy.hpp"
#include "execute/context.hpp"
#include "execute/lengths.hpp"
#include "execute/near_parts.hpp"

namespace motet {
namespace {

constexpr std::size_t answer_bytes = 1;
// Blocks of one message that a transport is told of before they come: as many as may be under way.
constexpr std::uint32_t most_expected = 4;
static_assert(near_bytes >= max_user_element_bytes);

}  // namespace

Operation::Operation(std::shared_ptr<const Program> program)
    : program_(std::move(program)),
      progress_(program_->instructions.size()),
      streams_(program_->streams.size()) {
  outgoing_.reserve(program_->streams.size());
  members_.reserve(program_->streams.size());
}

void Operation::bind(const Call& call, std::uint32_t communicator) {
  call_ = call;
  key_ = operation_key(communicator, call.sequence, is_point_to_point());
  if (scratch_ == nullptr && program_->scratch_bytes > 0) {
    scratch_ = std::make_unique_for_overwrite<std::byte[]>(program_->scratch_bytes);
  }
  // The builder never writes to the input of a call that is not in place.
  base_ = {const_cast<std::byte*>(static_cast<const std::byte*>(call.buffers.input)),
           static_cast<std::byte*>(call.buffers.output), scratch_.get()};
  std::fill(progress_.begin(), progress_.end(), Progress{});
  std::fill(streams_.begin(), streams_.end(), StreamProgress{});
  if (program_->product_bytes > 0) expect_products();
  fetches_.clear();
  held_.clear();
  remaining_ = static_cast<std::uint32_t>(progress_.size());
  first_ = 0;
  passes_ = 0;
  mismatch_ = false;
  lengths_.reset();
}

void Operation::skip(std::size_t steps, const std::byte* scratch) {
  if (scratch_ != nullptr) std::memcpy(scratch_.get(), scratch, program_->scratch_bytes);
  for (std::size_t i = 0; i < steps; ++i) step_forward(static_cast<std::uint32_t>(i));
}

// The hot path in one function: calls between its pieces cost a tenth of a small message.
[[gnu::flatten]] bool Operation::pass() {
  const auto count = static_cast<std::uint32_t>(progress_.size());
  while (first_ < count && progress_[first_].done == program_->instructions[first_].blocks)
    ++first_;
  bool moved = false;
  ++passes_;
  for (std::uint32_t i = first_; i < count; ++i) {
    const bool over = progress_[i].done == program_->instructions[i].blocks;
    // One that has been sent with the first of its group waits for the next pass, or the group
    // would fall apart.
    if (!over && progress_[i].moved_in != passes_) moved |= advance(i);
  }
  return moved;
}

bool Operation::advance(std::uint32_t index) {
  switch (program_->instructions[index].op) {
    case Op::copy:
    case Op::reduce:
      return advance_local(index);
    case Op::send:
      return advance_send(index);
    case Op::recv:
    case Op::recv_reduce:
      return advance_receive(index);
  }
  return false;
}

bool Operation::ready(const Instruction& instruction, std::uint32_t block) const {
  const Dependency* dependency = program_->dependencies.data() + instruction.first_dependency;
  const Dependency* const end = dependency + instruction.dependency_count;
  for (; dependency != end; ++dependency) {
    const std::uint32_t done = progress_[dependency->step].done;
    const std::uint32_t all = program_->instructions[dependency->step].blocks;
    if (done != all && !(dependency->blockwise && done > block)) return false;
  }
  return true;
}

Operation::Block Operation::block_of(const Instruction& instruction, std::uint32_t block) const {
  const std::size_t offset = block * program_->block_bytes;
  return {offset, std::min(program_->block_bytes, instruction.bytes - offset)};
}

Header Operation::header_for(const Instruction& instruction, std::uint32_t block, Role role,
                             std::size_t bytes) const {
  const Key key =
      with_role(block_key(key_, instruction.channel, instruction.first_block + block), role);
  const Rank peer = program_->streams[instruction.stream].peer;
  return {.key = key,
          .fingerprint = instruction.fingerprint,
          .consumed = call_.context->consumed_for(peer, is_point_to_point()),
          .bytes = static_cast<std::uint32_t>(bytes),
          .stream = stream_of(key)};
}

// One more block of the step is done. Always true: the callers return it.
bool Operation::step_forward(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  progress.moved_in = passes_;
  if (++progress.done != instruction.blocks) return true;
  if (--remaining_ == 0) held_.clear();
  if (instruction.op == Op::send) {
    ++streams_[instruction.stream].sent;
  } else if (instruction.op == Op::recv || instruction.op == Op::recv_reduce) {
    ++streams_[instruction.stream].received;
  }
  return true;
}

bool Operation::advance_local(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  const std::uint32_t block = progress_[index].done;
  if (!ready(instruction, block)) return false;
  const auto [offset, bytes] = block_of(instruction, block);
  std::byte* const dst = base_[static_cast<int>(instruction.dst_buffer)] + instruction.dst + offset;
  const std::byte* const src =
      base_[static_cast<int>(instruction.src_buffer)] + instruction.src + offset;
  if (instruction.multiplies) {
    instruction.op == Op::copy ? multiply(dst, src, bytes)
                               : combine_product(dst, src, dst, instruction, bytes);
  } else if (instruction.op == Op::copy) {
    copy(instruction, dst, src, bytes);
  } else {
    instruction.incoming_first ? reduce(dst, src, dst, bytes) : reduce(dst, dst, src, bytes);
  }
  return step_forward(index);
}

bool Operation::advance_send(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  if (streams_[instruction.stream].sent != instruction.message) return false;
  if (progress.passage == Passage::published) return advance_published_send(index);
  if (!ready(instruction, progress.done)) return false;
  if (passage_of(index) == Passage::published) return advance_published_send(index);
  if (instruction.group > 1) return send_group(index);
  return send_data(index, progress.done) && step_forward(index);
}

// Decided once per message, when its first block is ready.
Operation::Passage Operation::passage_of(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  if (progress.passage != Passage::unknown) return progress.passage;
  progress.passage = Passage::data;
  if (!instruction.rendezvous || instruction.multiplies) return progress.passage;
  PeerLink& link = *program_->streams[instruction.stream].link;
  if (link.memory() == nullptr) return progress.passage;
  if (is_read_by(link)) {
    hold(*link.memory(), base_[static_cast<int>(instruction.src_buffer)] + instruction.src,
         instruction.bytes);
  }
  if (locate(instruction, {0, instruction.bytes})) progress.passage = Passage::published;
  return progress.passage;
}

// On one node it takes system calls, which do not always pay; a fabric's reads cost no more than
// its messages.
bool Operation::is_read_by(const PeerLink& peer) const {
  return way_.reads_memory &&
         (program_->reading != Reading::never || !peer.transport().shares_memory());
}

void Operation::hold(PeerMemory& memory, const std::byte* data, std::size_t bytes) {
  if (bytes == 0) return;
  if (auto held = memory.hold(data, bytes)) held_.push_back(std::move(held));
}

// How the peer can get at it; nothing: it must be sent.
std::optional<Location> Operation::locate(const Instruction& instruction,
                                          const Block& block) const {
  PeerLink& link = *program_->streams[instruction.stream].link;
  PeerMemory* const memory = link.memory();
  if (memory == nullptr) return std::nullopt;
  const std::byte* const src =
      base_[static_cast<int>(instruction.src_buffer)] + instruction.src + block.offset;
  if (auto mapped = memory->publish(src, block.bytes)) return mapped;
  return is_read_by(link) ? memory->publish_for_reading(src, block.bytes) : std::nullopt;
}

bool Operation::send_data(std::uint32_t index, std::uint32_t block) {
  const Instruction& instruction = program_->instructions[index];
  const Stream& stream = program_->streams[instruction.stream];
  const Header header =
      header_for(instruction, block, Role::data, block_of(instruction, block).bytes);
  if (!stream.link->send(header, outgoing(index, block))) return false;
  note_sent(stream);
  return true;
}

void Operation::note_sent(const Stream& stream) {
  call_.context->note_told(stream.peer, is_point_to_point());
}

// One copy for all that are as far as this one; the others, and those for whom there is no room,
// follow by themselves.
bool Operation::send_group(std::uint32_t index) {
  const Instruction& first = program_->instructions[index];
  const std::uint32_t block = progress_[index].done;
  const std::size_t bytes = block_of(first, block).bytes;
  outgoing_.clear();
  members_.clear();
  for (std::uint32_t i = index; i < index + first.group; ++i) {
    const Instruction& member = program_->instructions[i];
    const bool may = progress_[i].done == block && ready(member, block) &&
                     streams_[member.stream].sent == member.message &&
                     passage_of(i) == Passage::data;
    if (!may) continue;
    members_.push_back(i);
    outgoing_.push_back({&program_->streams[member.stream].link->endpoint(),
                         header_for(member, block, Role::data, bytes), false});
  }
  if (members_.size() == 1) return send_data(index, block) && step_forward(index);
  auto* group_send = program_->streams[first.stream].link->group_send();
  group_send->send_to_all(outgoing_, outgoing(index, block));
  bool moved = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!outgoing_[i].taken) continue;
    note_sent(program_->streams[program_->instructions[members_[i]].stream]);
    moved = step_forward(members_[i]);
  }
  return moved;
}

bool Operation::advance_published_send(std::uint32_t index) {
  const bool published = publish(index);
  return take_answer(index) || published;
}

bool Operation::publish(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  const std::uint32_t block = progress.announced;
  if (block == instruction.blocks || block - progress.done == max_announced) return false;
  if (!ready(instruction, block)) return false;
  const Stream& stream = program_->streams[instruction.stream];
  const auto where = locate(instruction, block_of(instruction, block));
  if (!where) {  // no longer reachable: the rest goes as data, once what has been announced is
                 // answered
    if (progress.announced != progress.done) return false;
    progress.passage = Passage::data;
    return true;
  }
  const Publication publication{*where, stream.link->memory()->epoch()};
  const Header header = header_for(instruction, block, Role::location, sizeof publication);
  if (!stream.link->send(header, &publication)) return false;
  note_sent(stream);
  ++progress.announced;
  return true;
}

bool Operation::take_answer(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  if (progress.done == progress.announced) return false;
  PeerLink& link = *program_->streams[instruction.stream].link;
  const Key key = with_role(
      block_key(key_, instruction.channel, instruction.first_block + progress.done), Role::answer);
  const PeerLink::Found found = link.find(key, exact_mask);
  if (found.arrival == nullptr) return false;
  if (!is_expected(instruction, found.arrival->header, answer_bytes)) return false;
  if (*found.arrival->data == std::byte{0} && !send_data(index, progress.done)) return false;
  call_.context->note_consumed(program_->streams[instruction.stream].peer, is_point_to_point(),
                               found.arrival->header.consumed);
  link.release(found);
  return step_forward(index);
}

bool Operation::advance_receive(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  if (streams_[instruction.stream].received != instruction.message) return false;
  if (progress.owes_answer) return answer(index, true);
  if (!fetches_.empty() && is_reading(index)) return go_on_reading(index);
  if (instruction.placed) expect_blocks(index);
  const Key key = block_key(key_, instruction.channel, instruction.first_block + progress.done);
  const PeerLink::Found found = program_->streams[instruction.stream].link->find(key, forward_mask);
  if (found.arrival == nullptr || !ready(instruction, progress.done)) return false;
  return accept(index, found);
}

void Operation::expect_blocks(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  const std::uint32_t end = std::min(instruction.blocks, progress.done + most_expected);
  for (; progress.expected < end && ready(instruction, progress.expected); ++progress.expected) {
    const auto [offset, bytes] = block_of(instruction, progress.expected);
    program_->streams[instruction.stream].link->placement()->expect(
        header_for(instruction, progress.expected, Role::data, bytes),
        base_[static_cast<int>(instruction.dst_buffer)] + instruction.dst + offset);
  }
}

bool Operation::accept(std::uint32_t index, const PeerLink::Found& found) {
  const Instruction& instruction = program_->instructions[index];
  const Stream& stream = program_->streams[instruction.stream];
  const Header header = found.arrival->header;
  const std::uint32_t block = progress_[index].done;
  const bool is_location = role_of(header.key) == Role::location;
  const std::size_t bytes = is_location ? sizeof(Publication) : block_of(instruction, block).bytes;
  if (!is_expected(instruction, header, bytes)) return false;
  call_.context->note_consumed(stream.peer, is_point_to_point(), header.consumed);
  if (is_location) return pull(index, found);
  if (instruction.sent_back != 0 && !found.aside && return_block(index, block)) return true;
  // It may have come before it was expected.
  if (instruction.placed) stream.link->forget(header.key, exact_mask);
  combine(instruction, block_of(instruction, block), found.arrival->data);
  stream.link->release(found);
  return step_forward(index);
}

// The front block is combined where it lies and goes back from there: then it crosses to this core
// once and back once, and is copied once less. False: that cannot be, and nothing has been done.
bool Operation::return_block(std::uint32_t index, std::uint32_t block) {
  const Instruction& receive = program_->instructions[index];
  const std::uint32_t after = index + receive.sent_back;
  const Instruction& send = program_->instructions[after];
  const Stream& stream = program_->streams[send.stream];
  if (progress_[after].done != block || streams_[send.stream].sent != send.message) return false;
  if (passage_of(after) == Passage::published) return false;
  SendBack& back = *stream.link->send_back();
  std::byte* const incoming = back.front_to_change();
  if (incoming == nullptr) return false;
  const Block here = block_of(receive, block);
  const std::byte* const dst =
      base_[static_cast<int>(receive.dst_buffer)] + receive.dst + here.offset;
  for_near_parts(here.bytes, program_->element_bytes, [&](std::size_t at, std::size_t now) {
    combine(receive, {here.offset + at, now}, incoming + at);
    std::memcpy(incoming + at, dst + at, now);
  });
  back.send_back(header_for(send, block, Role::data, here.bytes));
  note_sent(stream);
  step_forward(index);
  return step_forward(after);
}

// Whether it comes from the call that this rank has made.
bool Operation::is_expected(const Instruction& instruction, const Header& header,
                            std::size_t bytes) {
  const bool expected = header.fingerprint == instruction.fingerprint && header.bytes == bytes;
  if (!expected) [[unlikely]]
    note_mismatch(instruction, header);
  return expected;
}

void Operation::note_mismatch(const Instruction& instruction, const Header& header) {
  if (!mismatch_ && program_->tells_lengths) lengths_ = told_lengths(instruction, header);
  mismatch_ = true;
}

// What the two ends think of a message, if nothing else differs between their calls.
std::optional<Operation::Lengths> Operation::told_lengths(const Instruction& instruction,
                                                          const Header& header) const {
  if (instruction.op == Op::send) return std::nullopt;  // an answer, which tells nothing
  const auto sent = length_from(header.fingerprint - program_->fingerprint);
  const std::size_t expected = instruction.bytes / program_->element_bytes;
  const Rank peer = program_->streams[instruction.stream].peer;
  if (!sent) return Lengths{peer, std::nullopt, expected};
  const bool is_data = role_of(header.key) == Role::data;
  const std::size_t first = std::min(*sent, program_->block_bytes / program_->element_bytes);
  if (is_data && first * program_->element_bytes != header.bytes) return std::nullopt;
  return Lengths{peer, sent, expected};
}

bool Operation::answer(std::uint32_t index, bool pulled) {
  const Instruction& instruction = program_->instructions[index];
  Progress& progress = progress_[index];
  const Stream& stream = program_->streams[instruction.stream];
  const std::byte payload{static_cast<unsigned char>(pulled)};
  if (!stream.link->send(header_for(instruction, progress.done, Role::answer, answer_bytes),
                         &payload)) {
    return false;
  }
  note_sent(stream);
  if (!pulled) return true;
  progress.owes_answer = false;
  return step_forward(index);
}

// `block`: what of the step has come; a whole one or a part of it.
void Operation::combine(const Instruction& instruction, const Block& block,
                        const std::byte* incoming) {
  const auto [offset, bytes] = block;
  std::byte* const dst = base_[static_cast<int>(instruction.dst_buffer)] + instruction.dst + offset;
  if (instruction.op == Op::recv) {
    const bool is_there = bytes == 0 || incoming == dst;  // dst may be null for nothing
    if (!is_there) copy(instruction, dst, incoming, bytes);
    return;
  }
  const std::byte* first =
      base_[static_cast<int>(instruction.src_buffer)] + instruction.src + offset;
  const std::byte* second = incoming;
  if (instruction.multiplies) return combine_product(dst, first, second, instruction, bytes);
  if (instruction.incoming_first) std::swap(first, second);
  if (way_.past_caches && instruction.is_final)
    return combine_past_caches(dst, first, second, bytes);
  reduce(dst, first, second, bytes);
}

void Operation::reduce(std::byte* out, const std::byte* a, const std::byte* b,
                       std::size_t bytes) const {
  const std::size_t count = bytes / program_->element_bytes;
  if (program_->kernel != nullptr) [[likely]]
    return program_->kernel(out, a, b, count);
  reduction_.combine(out, a, b, count);
}

void Operation::copy(const Instruction& instruction, std::byte* dst, const std::byte* src,
                     std::size_t bytes) const {
  if (way_.past_caches && instruction.is_final) {
    copy_past_caches(dst, src, bytes);
  } else {
    std::memcpy(dst, src, bytes);
  }
}

void Operation::combine_past_caches(std::byte* dst, const std::byte* first, const std::byte* second,
                                    std::size_t bytes) const {
  alignas(64) std::array<std::byte, near_bytes> stop;
  for_near_parts(bytes, program_->element_bytes, [&](std::size_t at, std::size_t now) {
    reduce(stop.data(), first + at, second + at, now);
    copy_past_caches(dst + at, stop.data(), now);
  });
}

}  // namespace motet
