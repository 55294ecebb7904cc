// The memory that calls work on: filled with the pattern before, checked after.
#pragma once

#include <functional>
#include <memory>
#include <motet/motet.hpp>

#include "call.hpp"
#include "pattern.hpp"

namespace motet_perf {

// Memory of `bytes`, from malloc or motet_mem_alloc; the communicator must outlive the latter.
using Memory = std::unique_ptr<std::byte[], std::function<void(std::byte*)>>;
Memory allocate(const motet::Communicator& comm, std::size_t bytes, bool shared);

// One row's input and output in two blocks, or both in the second.
class Buffers {
 public:
  enum class Placing { out_of_place, in_place };

  struct Setup {
    Shape shape;
    std::size_t element_bytes;
    int rank;
    std::byte* first;  // both blocks are as large as the larger of all ranks' buffers of `shape`
    std::byte* second;
    Placing placing;
    std::size_t stream_start = 0;  // where in the ranks' streams all of it begins: calls that are
                                   // under way together must not look alike
  };
  explicit Buffers(const Setup& setup);

  const std::byte* input() const { return input_; }
  std::byte* output() const { return output_; }

  // The input holds this rank's elements, the rest of the output nothing that could pass for a
  // result.
  void fill(const Pattern& pattern) const;
  // Elements of the output, and out of place of the input, that are not what they must be after a
  // call.
  std::size_t count_wrong(const Pattern& pattern) const;
  bool in_place() const { return setup_.placing == Placing::in_place; }
  // Reads every cache line of the output.
  void read() const;

 private:
  Segment input_segment() const;
  std::size_t output_bytes() const;

  Setup setup_;
  std::byte* input_;
  std::byte* output_;
};

}  // namespace motet_perf
