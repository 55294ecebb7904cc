#include "memory.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>

namespace motet_limits {

SharedPages::SharedPages(std::size_t bytes) : bytes_(bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  data_ = static_cast<std::byte*>(pages);
}

SharedPages::~SharedPages() {
  munmap(data_, bytes_);
}

void FreeMemory::operator()(float* memory) const noexcept {
  std::free(memory);
}

PrivateFloats allocate_private(std::size_t bytes) {
  constexpr std::size_t page = 4096;
  auto* memory = static_cast<float*>(std::aligned_alloc(page, (bytes / page + 1) * page));
  if (memory == nullptr) throw std::bad_alloc();
  return PrivateFloats(memory);
}

}  // namespace motet_limits
