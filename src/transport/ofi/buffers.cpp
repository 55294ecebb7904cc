#include "transport/ofi/buffers.hpp"

#include <algorithm>
#include <new>

namespace motet::ofi {
namespace {

constexpr std::align_val_t page{4096};  // registrations are of whole pages
// One registration for many small buffers, or for few large ones.
constexpr std::size_t slab_bytes = 1 << 20;

}  // namespace

void Buffers::Slab::Free::operator()(std::byte* memory) const noexcept {
  ::operator delete(memory, page);
}

Buffer* Buffers::take() {
  if (free_ == nullptr && !grow()) return nullptr;
  Buffer* const buffer = free_;
  free_ = buffer->next;
  return buffer;
}

void Buffers::take_back(void* buffer) noexcept {
  auto* const returned = static_cast<Buffer*>(buffer);
  returned->next = free_;
  free_ = returned;
}

bool Buffers::grow() {
  const std::size_t count = std::max<std::size_t>(1, slab_bytes / bytes_each_);
  Slab slab;
  slab.memory.reset(static_cast<std::byte*>(::operator new(count* bytes_each_, page)));
  slab.buffers.resize(count);
  if (domain_ != nullptr &&
      !domain_->register_memory(slab.memory.get(), count * bytes_each_, slab.registration)) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    Buffer& buffer = slab.buffers[i];
    buffer.memory = slab.memory.get() + i * bytes_each_;
    if (slab.registration != nullptr) buffer.descriptor = fi_mr_desc(slab.registration.get());
    take_back(&buffer);
  }
  slabs_.push_back(std::move(slab));
  return true;
}

void Buffers::unregister() {
  domain_ = nullptr;
  for (Slab& slab : slabs_) slab.registration.reset();
}

}  // namespace motet::ofi
