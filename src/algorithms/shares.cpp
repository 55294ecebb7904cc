#include "algorithms/shares.hpp"

namespace motet {

namespace {

int modulo(int i, int n) {
  return (i % n + n) % n;
}

}  // namespace

Slice Shares::at(int i) const {
  const int share = modulo(i, size());
  return whole_.sub(parts_.offset(share), parts_.count(share));
}

Slice Shares::between(int first, int end) const {
  return whole_.sub(parts_.offset(first), parts_.count(first, end - first));
}

std::vector<Slice> Shares::run(int first, int length) const {
  const int begin = modulo(first, size());
  const int end = begin + length;
  if (end <= size()) return {between(begin, end)};
  return {between(begin, size()), between(0, end - size())};
}

}  // namespace motet
