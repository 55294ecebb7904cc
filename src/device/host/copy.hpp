// Copies for outputs too large for the caches.
#pragma once

#include <cstddef>

namespace motet {

// As memcpy, with stores that go to memory past the caches: lines that would be evicted before
// anybody reads them are not fetched first either. What is copied is visible to whoever sees a
// later store of this thread. Pointers need the alignment of nothing.
void copy_past_caches(void* to, const void* from, std::size_t bytes) noexcept;

}  // namespace motet
