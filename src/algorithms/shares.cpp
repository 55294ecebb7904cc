#include "algorithms/shares.hpp"

namespace motet {

namespace {

int modulo(int i, int n) {
  return (i % n + n) % n;
}

}  // namespace

Shares Shares::apart(std::vector<Slice> slices) {
  Shares shares({}, {});
  shares.apart_ = std::move(slices);
  return shares;
}

Slice Shares::at(int i) const {
  const int share = modulo(i, size());
  if (!apart_.empty()) return apart_[static_cast<std::size_t>(share)];
  return whole_.sub(parts_.offset(share), parts_.count(share));
}

Slice Shares::between(int first, int end) const {
  return whole_.sub(parts_.offset(first), parts_.count(first, end - first));
}

std::vector<Slice> Shares::run(int first, int length) const {
  if (!apart_.empty()) {
    std::vector<Slice> found;
    for (int i = first; i < first + length; ++i) found.push_back(at(i));
    return found;
  }
  const int begin = modulo(first, size());
  const int end = begin + length;
  if (end <= size()) return {between(begin, end)};
  return {between(begin, size()), between(0, end - size())};
}

}  // namespace motet
