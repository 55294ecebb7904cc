#include "communicator/premultiply.hpp"

#include "device/host/reduce.hpp"

namespace motet {
namespace {

bool premultiplies(const Arguments& a) {
  return reduces(a.collective) && a.op == ReduceOp::premul_sum;
}

}  // namespace

bool premultiplies_into_output(const Arguments& a, const Extent& extent) {
  return premultiplies(a) && !extent.in_place && extent.input == extent.output;
}

std::size_t premultiplied_bytes(const Arguments& a, const Extent& extent) {
  const bool elsewhere =
      premultiplies(a) && !extent.in_place && !premultiplies_into_output(a, extent);
  return elsewhere ? extent.input * element_bytes(a.type) : 0;
}

Operation::Buffers premultiply(const Arguments& a, const Extent& extent, Operation& operation) {
  void* to = a.output;
  if (extent.in_place) {
    to = const_cast<void*>(a.input);
  } else if (!premultiplies_into_output(a, extent)) {
    to = operation.premultiplied();
  }
  multiply_kernel(a.type)(to, a.input, extent.input, *a.details->scale);
  return {to, a.output};
}

}  // namespace motet
