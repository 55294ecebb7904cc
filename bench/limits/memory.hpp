// Owners of memory: anonymous pages that a fork shares, and what one process has for itself.
#pragma once

#include <cstddef>
#include <memory>

namespace motet_limits {

// Zeroed pages, not resident until touched. Throws std::system_error.
class SharedPages {
 public:
  explicit SharedPages(std::size_t bytes);
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;
  ~SharedPages();

  std::byte* data() const { return data_; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

struct FreeMemory {
  void operator()(float* memory) const noexcept;
};
using PrivateFloats = std::unique_ptr<float[], FreeMemory>;

// At least `bytes`, from a page boundary on. Throws std::bad_alloc.
PrivateFloats allocate_private(std::size_t bytes);

}  // namespace motet_limits
