// Random numbers that are the same on every machine, unlike those of the standard distributions.
#pragma once

#include <cstdint>

namespace motet::fault {

// splitmix64: Steele, Lea and Flood, OOPSLA 2014.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to bound - 1; bound must not be 0. Its bias is far below what a test could see.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool happens(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }

 private:
  std::uint64_t state_;
};

}  // namespace motet::fault
