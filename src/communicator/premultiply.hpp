// The first half of a premultiplied sum: this rank's input times its scale, after which the rest is
// an ordinary sum. The input stays as it is, so the product goes to the output, where that holds as
// much, or to memory of the operation; in place it takes the input's own.
#pragma once

#include <cstddef>

#include "communicator/arguments.hpp"
#include "execute/operation.hpp"

namespace motet {

bool premultiplies_into_output(const Arguments& arguments, const Extent& extent);
// What the operation needs of its own; 0 for other reductions too.
std::size_t premultiplied_bytes(const Arguments& arguments, const Extent& extent);
// Gives the buffers of the sum. Needs details.
Operation::Buffers premultiply(const Arguments& arguments, const Extent& extent,
                               Operation& operation);

}  // namespace motet
