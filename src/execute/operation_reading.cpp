// Receives whose blocks are fetched from the peer's memory: at once where it is mapped or another
// process', by and by where a fabric reads it.
#include <algorithm>
#include <cstring>

#include "execute/context.hpp"
#include "execute/operation.hpp"

namespace motet {

bool Operation::is_reading(std::uint32_t index) const {
  return std::ranges::any_of(fetches_, [&](const Fetch& fetch) {
    return fetch.step == index && fetch.block == progress_[index].done;
  });
}

// Reads the block from the peer's memory, or asks for it as data if that cannot be reached (any
// more).
bool Operation::pull(std::uint32_t index, const PeerLink::Found& found) {
  PeerLink& link = *program_->streams[program_->instructions[index].stream].link;
  Fetch fetch{index, progress_[index].done, {}, PeerMemory::Read::refused};
  std::memcpy(&fetch.publication, found.arrival->data, sizeof fetch.publication);
  if (fetch.block == 0) hold_destination(index);
  fetch.state = take_from(fetch);
  link.release(found);
  if (fetch.state != PeerMemory::Read::done) {
    if (fetch.state == PeerMemory::Read::refused) fetch.asked = answer(index, false);
    fetches_.push_back(std::move(fetch));
    return true;
  }
  progress_[index].owes_answer = true;
  answer(index, true);
  return true;
}

// Before its first block is read into it.
void Operation::hold_destination(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  if (instruction.op != Op::recv || instruction.bytes == 0) return;  // operands make a stop
  PeerMemory* const memory = program_->streams[instruction.stream].link->memory();
  if (memory == nullptr) return;
  std::byte* const to = base_[static_cast<int>(instruction.dst_buffer)] + instruction.dst;
  if (auto held = memory->hold_target(to, instruction.bytes)) held_.push_back(std::move(held));
}

// The location of the step's next block has come before.
bool Operation::go_on_reading(std::uint32_t index) {
  const auto fetch = std::ranges::find_if(fetches_, [&](const Fetch& candidate) {
    return candidate.step == index && candidate.block == progress_[index].done;
  });
  if (fetch->state == PeerMemory::Read::pending) fetch->state = take_from(*fetch);
  switch (fetch->state) {
    case PeerMemory::Read::pending:
      return read_ahead(index);
    case PeerMemory::Read::refused:
      if (fetch->asked) return take_data(index) || read_ahead(index);
      return fetch->asked = answer(index, false);
    case PeerMemory::Read::done:
      break;
  }
  fetches_.erase(fetch);
  progress_[index].owes_answer = true;
  answer(index, true);
  return true;
}

// The block that could not be read, once it has come.
bool Operation::take_data(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  const std::uint32_t block = progress_[index].done;
  const Stream& stream = program_->streams[instruction.stream];
  const Key key = block_key(key_, instruction.channel, instruction.first_block + block);
  const PeerLink::Found found = stream.link->find(with_role(key, Role::data), exact_mask);
  if (found.arrival == nullptr || !ready(instruction, block)) return false;
  const std::size_t bytes = block_of(instruction, block).bytes;
  if (!is_expected(instruction, found.arrival->header, bytes)) return false;
  call_.context->note_consumed(stream.peer, is_point_to_point(), found.arrival->header.consumed);
  combine(instruction, block_of(instruction, block), found.arrival->data);
  stream.link->release(found);
  std::erase_if(fetches_,
                [&](const Fetch& fetch) { return fetch.step == index && fetch.block == block; });
  return step_forward(index);
}

// Starts to read a later block of the step, too, if its location has come: as many as the peer
// announces, so that none of them keeps the window of their stream closed to one that has to come
// as data.
bool Operation::read_ahead(std::uint32_t index) {
  const Instruction& instruction = program_->instructions[index];
  const auto under_way = static_cast<std::uint32_t>(
      std::ranges::count(fetches_, index, [](const Fetch& fetch) { return fetch.step; }));
  const std::uint32_t block = progress_[index].done + under_way;
  if (under_way == max_announced || block >= instruction.blocks) return false;
  PeerLink& link = *program_->streams[instruction.stream].link;
  const Key key = block_key(key_, instruction.channel, instruction.first_block + block);
  const PeerLink::Found found = link.find(with_role(key, Role::location), exact_mask);
  if (found.arrival == nullptr || !ready(instruction, block)) return false;
  if (!is_expected(instruction, found.arrival->header, sizeof(Publication))) return false;
  call_.context->note_consumed(program_->streams[instruction.stream].peer, is_point_to_point(),
                               found.arrival->header.consumed);
  Fetch fetch{index, block, {}, PeerMemory::Read::refused};
  std::memcpy(&fetch.publication, found.arrival->data, sizeof fetch.publication);
  fetch.state = take_from(fetch);
  link.release(found);
  fetches_.push_back(std::move(fetch));
  return true;
}

// The owner does not touch its memory while a live peer is inside: what was taken out of mapped
// memory is right. What was read is right if it has not been withdrawn since.
PeerMemory::Read Operation::take_from(Fetch& fetch) {
  const Instruction& instruction = program_->instructions[fetch.step];
  PeerMemory* const memory = program_->streams[instruction.stream].link->memory();
  if (memory == nullptr) return PeerMemory::Read::refused;
  const Block block = block_of(instruction, fetch.block);
  const std::byte* const mapped = memory->reach(fetch.publication.where, block.bytes);
  if (!memory->enter(fetch.publication.epoch)) return PeerMemory::Read::refused;
  auto taken = PeerMemory::Read::done;
  if (mapped != nullptr) {
    combine(instruction, block_of(instruction, fetch.block), mapped);
  } else {
    taken = read_from(*memory, fetch);
  }
  memory->leave();
  return taken;
}

PeerMemory::Read Operation::read_from(PeerMemory& memory, Fetch& fetch) {
  const Instruction& instruction = program_->instructions[fetch.step];
  const Block block = block_of(instruction, fetch.block);
  const bool reduces = instruction.op == Op::recv_reduce;
  if (reduces && fetch.staging == nullptr) {
    if (staging_ == nullptr) {
      staging_ = std::make_unique_for_overwrite<std::byte[]>(program_->block_bytes);
    }
    fetch.staging = std::move(staging_);
  }
  std::byte* const dst =
      base_[static_cast<int>(instruction.dst_buffer)] + instruction.dst + block.offset;
  std::byte* const to = reduces ? fetch.staging.get() : dst;
  const PeerMemory::Read read = memory.read(fetch.publication.where, to, block.bytes);
  if (read == PeerMemory::Read::pending) return read;
  const bool valid = read == PeerMemory::Read::done && memory.enter(fetch.publication.epoch);
  if (valid && reduces) combine(instruction, block_of(instruction, fetch.block), to);
  if (reduces) staging_ = std::move(fetch.staging);
  return valid ? PeerMemory::Read::done : PeerMemory::Read::refused;
}

}  // namespace motet
