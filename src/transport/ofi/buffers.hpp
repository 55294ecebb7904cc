// Memory that libfabric sends from and receives into, and that is lent to whoever reads what came.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "transport/messages/wire.hpp"
#include "transport/ofi/domain.hpp"

namespace motet::ofi {

// Buffers of one size. Made when needed and kept: what was needed once will be needed again, and
// how many are is bounded by the windows of the senders.
class Buffers final : public messages::Lender {
 public:
  // `domain`: where they are registered; null: nowhere.
  Buffers(std::size_t bytes_each, Domain* domain) : bytes_each_(bytes_each), domain_(domain) {}
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  std::size_t bytes_each() const { return bytes_each_; }
  // Null if memory cannot be registered: the domain has the reason.
  Buffer* take();
  void take_back(void* buffer) noexcept override;  // a Buffer*
  // The domain is about to go; what is lent stays readable.
  void unregister();

 private:
  struct Slab {
    struct Free {
      void operator()(std::byte* memory) const noexcept;
    };
    std::unique_ptr<std::byte, Free> memory;
    MemoryHandle registration;
    std::vector<Buffer> buffers;
  };
  bool grow();

  const std::size_t bytes_each_;
  Domain* domain_;
  std::vector<Slab> slabs_;
  Buffer* free_ = nullptr;
};

}  // namespace motet::ofi
