// Reductions of memory that the CPU reaches, by SIMD kernels chosen for the CPU at run time (Google
// Highway).
#pragma once

#include <cstddef>

#include "base/types.hpp"

namespace motet {

// out[i] = a[i] op b[i] for `count` elements. `out` may equal `a` or `b`; otherwise nothing
// overlaps. Pointers need the alignment of nothing. 16-bit floats are combined in float32 and
// rounded to nearest even. min and max: NaN wins, −0 < +0, and a NaN result is the canonical quiet
// NaN. Integers wrap. avg and premul_sum combine like sum.
using ReduceKernel = void (*)(void* out, const void* a, const void* b, std::size_t count);

// Null where is_defined(op, type) is false. The choice for this CPU is made once.
ReduceKernel reduce_kernel(ReduceOp op, DataType type) noexcept;

// data[i] /= divisor, in place: what avg does to a finished sum. Integers round toward zero.
using ScaleKernel = void (*)(void* data, std::size_t count, int divisor);
ScaleKernel divide_kernel(DataType type) noexcept;

// out[i] = in[i] * factor, in float64 for float64 and else in float32; `out` may equal `in`. NaNs
// as above. Null for integers: a premultiplied sum's first half.
using MultiplyKernel = void (*)(void* out, const void* in, std::size_t count, double factor);
MultiplyKernel multiply_kernel(DataType type) noexcept;

// The instruction set that runs, for people: "AVX2".
const char* reduce_target() noexcept;

}  // namespace motet
