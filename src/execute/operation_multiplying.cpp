// Steps of a premultiplied sum that read the input: what they read is multiplied on its way, block
// by block, so that the input stays as it is and nobody needs a copy of it.
#include <array>

#include "execute/near_parts.hpp"
#include "execute/operation.hpp"

namespace motet {

void Operation::multiply(std::byte* out, const std::byte* in, std::size_t bytes) const {
  program_->multiply(out, in, bytes / program_->element_bytes, factor_);
}

// dst = input * factor op other, or the other way round. `other` may be dst.
void Operation::combine_product(std::byte* dst, const std::byte* input, const std::byte* other,
                                const Instruction& instruction, std::size_t bytes) const {
  // Of a reduce `other` is the dst, which comes first unless it is said otherwise.
  const bool other_first = instruction.incoming_first != (instruction.op == Op::reduce);
  alignas(64) std::array<std::byte, near_bytes> product;
  for_near_parts(bytes, program_->element_bytes, [&](std::size_t at, std::size_t now) {
    multiply(product.data(), input + at, now);
    other_first ? reduce(dst + at, other + at, product.data(), now)
                : reduce(dst + at, product.data(), other + at, now);
  });
}

void Operation::expect_products() {
  for (Product& product : products_) product.step.reset();
  if (!products_.empty()) return;
  products_.resize(program_->streams.size());
  for (const Instruction& instruction : program_->instructions) {
    if (!instruction.multiplies || instruction.op != Op::send) continue;
    auto& bytes = products_[instruction.stream].bytes;
    if (bytes == nullptr)
      bytes = std::make_unique_for_overwrite<std::byte[]>(program_->product_bytes);
  }
}

// What a send of that block takes its bytes from.
const std::byte* Operation::outgoing(std::uint32_t index, std::uint32_t block) {
  const Instruction& instruction = program_->instructions[index];
  const auto [offset, bytes] = block_of(instruction, block);
  const std::byte* const src =
      base_[static_cast<int>(instruction.src_buffer)] + instruction.src + offset;
  if (!instruction.multiplies || bytes == 0) [[likely]]
    return src;
  Product& product = products_[instruction.stream];
  if (product.step == index && product.block == block) return product.bytes.get();
  multiply(product.bytes.get(), src, bytes);
  product.step = index;
  product.block = block;
  return product.bytes.get();
}

}  // namespace motet
