#include "transport/ofi/reads.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace motet::ofi {
namespace {

using messages::FabricRead;
using registered::Held;
using registered::Registration;
using registered::RegistrationCache;

struct OfiRegistration final : Registration {
  explicit OfiRegistration(MemoryHandle registered) : memory(std::move(registered)) {}
  MemoryHandle memory;
};

fid_mr* memory_of(const Held& held) {
  return static_cast<const OfiRegistration*>(held->registration.get())->memory.get();
}

RegistrationCache cache_in(Domain& domain, Domain::Access access) {
  const auto make = [&domain, access](std::byte* begin,
                                      std::size_t bytes) -> std::unique_ptr<Registration> {
    MemoryHandle memory = domain.register_for(access, begin, bytes);
    if (memory == nullptr) return nullptr;
    return std::make_unique<OfiRegistration>(std::move(memory));
  };
  const auto keep = domain.traits().pins_memory ? RegistrationCache::Keep::while_held
                                                : RegistrationCache::Keep::as_long_as_there_is_room;
  return {make, keep, {}};
}

}  // namespace

Reads::Reads(Domain& domain)
    : domain_(domain),
      readable_(cache_in(domain, Domain::Access::read_by_peers)),
      targets_(cache_in(domain, Domain::Access::read_into)) {}

// What is in place has been registered for peers already.
Held Reads::hold_target(void* to, std::size_t bytes) {
  Held held = readable_.find(to, bytes);
  return held != nullptr ? held : targets_.get(to, bytes);
}

void Reads::clear() {
  readable_.clear();
  targets_.clear();
}

std::optional<Location> Reads::locate(const void* data, std::size_t bytes) {
  const Held held = readable_.find(data, bytes);
  if (held == nullptr) return {};
  const auto offset = static_cast<const std::byte*>(data) - held->begin;
  return Location{fi_mr_key(memory_of(held)),
                  domain_.remote_address(held->begin) + static_cast<std::uint64_t>(offset)};
}

void Reads::start(const Route& from, std::shared_ptr<FabricRead> read) {
  if (!domain_.is_open()) {
    read->state = FabricRead::State::failed;
    return;
  }
  ReadBuffer& buffer = buffers_.emplace_back();
  buffer.memory = read->to;
  buffer.bytes = read->bytes;
  buffer.is_read = true;
  buffer.from = &from;
  buffer.into = hold_target(read->to, read->bytes);
  buffer.read = std::move(read);
  if (buffer.into == nullptr) return end(buffer, FabricRead::State::failed);
  buffer.descriptor = fi_mr_desc(memory_of(buffer.into));
  const bool is_next = std::ranges::none_of(
      waiting_, [&](const ReadBuffer* each) { return each->from == buffer.from; });
  if (is_next && try_to_start(buffer)) return;
  waiting_.push_back(&buffer);
}

// False: there is no room now.
bool Reads::try_to_start(ReadBuffer& buffer) {
  const Location& from = buffer.read->from;
  const long result = domain_.read(buffer, buffer.from->to, from.offset, from.region);
  if (result == -FI_EAGAIN) return false;
  if (result != 0) end(buffer, FabricRead::State::failed);
  return true;
}

// A peer that is gone, or not connected yet, is refused for long: the others go on.
bool Reads::advance() {
  std::vector<const Route*> refused;
  const auto starts = [&](ReadBuffer* buffer) {
    if (std::ranges::find(refused, buffer->from) != refused.end()) return false;
    if (try_to_start(*buffer)) return true;
    refused.push_back(buffer->from);
    return false;
  };
  return std::erase_if(waiting_, starts) > 0;
}

void Reads::give_up(const Route& from) {
  for (ReadBuffer* const buffer : std::exchange(waiting_, {})) {
    if (buffer->from == &from) {
      end(*buffer, FabricRead::State::failed);
    } else {
      waiting_.push_back(buffer);
    }
  }
}

void Reads::ended(const Completion& completion) {
  end(*static_cast<ReadBuffer*>(completion.buffer),
      completion.problem.empty() ? FabricRead::State::done : FabricRead::State::failed);
}

void Reads::end(ReadBuffer& buffer, FabricRead::State state) {
  buffer.read->state = state;
  buffers_.remove_if([&](const ReadBuffer& each) { return &each == &buffer; });
}

void Reads::fail_all() {
  waiting_.clear();
  for (ReadBuffer& buffer : buffers_) buffer.read->state = FabricRead::State::failed;
}

}  // namespace motet::ofi
