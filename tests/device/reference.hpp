// What a reduction must give, one element at a time and written for clarity only: values travel as
// their bits in the low end of 64.
#pragma once

#include <cstdint>

#include "base/types.hpp"

namespace motet {

using Bits = std::uint64_t;

Bits reference_reduce(DataType type, ReduceOp op, Bits a, Bits b);
Bits reference_divide(DataType type, Bits value, int divisor);
Bits reference_multiply(DataType type, Bits value, double factor);  // of floats

}  // namespace motet
