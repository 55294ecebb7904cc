#include "pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <motet/element.hpp>
#include <stdexcept>
#include <type_traits>

namespace motet_perf {
namespace {

std::uint64_t scramble(std::uint64_t rank, std::uint64_t position) {
  // splitmix64's finisher: neighbouring ranks and positions share no bits.
  std::uint64_t x = (rank + 1) * 0x9e3779b97f4a7c15U + position * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// The largest integer up to which every one is exact in T, or that T holds.
template <class T>
constexpr std::int64_t exact_limit() {
  if constexpr (std::is_same_v<T, motet::float16>) return 2048;
  if constexpr (std::is_same_v<T, motet::bfloat16>) return 256;
  if constexpr (std::is_same_v<T, std::int8_t>) return 127;
  if constexpr (std::is_same_v<T, std::uint8_t>) return 255;
  return 30'000;
}

template <class T>
T from_integer(std::int64_t value) {
  if constexpr (std::is_integral_v<T> || std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    return T(static_cast<float>(value));
  }
}

// Only some ranks, in turn with the position, contribute more than the neutral element where all of
// them would leave the range in which the result is exact.
bool contributes(int rank, std::size_t position, int ranks, std::int64_t most) {
  const auto n = static_cast<std::size_t>(ranks);
  return (static_cast<std::size_t>(rank) + position) % n < static_cast<std::size_t>(most);
}

// One rank's element, as an integer, for the ops whose result must stay small.
template <class T>
std::int64_t summand(int rank, std::size_t position, int ranks) {
  // A result of up to half the limit leaves two different values for each of them.
  const std::int64_t contributors = std::min<std::int64_t>(ranks, exact_limit<T>() / 2);
  const std::int64_t largest = exact_limit<T>() / contributors;
  if (!contributes(rank, position, ranks, contributors)) return 0;
  return static_cast<std::int64_t>(scramble(rank, position) %
                                   static_cast<std::uint64_t>(largest + 1));
}

template <class T>
std::int64_t factor(int rank, std::size_t position, int ranks) {
  const std::uint64_t bits = scramble(rank, position);
  if constexpr (std::is_integral_v<T>) return static_cast<std::int64_t>(bits | 1);  // never zero
  // Powers of two are exact whatever the order; seven of them stay in range.
  const std::int64_t sign = (bits & 1) != 0 ? -1 : 1;
  return contributes(rank, position, ranks, 7) && (bits & 2) != 0 ? 2 * sign : sign;
}

// Bits that survive: with random ones, and/or over many ranks give the same everywhere.
std::int64_t mask(int rank, std::size_t position, int ranks, motet_op op) {
  const std::uint64_t bits = scramble(rank, position);
  if (op == motet_xor) return static_cast<std::int64_t>(bits);
  const std::uint64_t few =
      contributes(rank, position, ranks, 2) ? bits & scramble(rank, position + 1) : 0;
  return static_cast<std::int64_t>(op == motet_or ? few : ~few);
}

template <class T>
T element(motet_op op, int rank, std::size_t position, int ranks) {
  switch (op) {
    case motet_sum:
    case motet_avg:
      return from_integer<T>(summand<T>(rank, position, ranks));
    case motet_premul_sum:  // even, so that a half of it is what sum has
      return from_integer<T>(2 * summand<T>(rank, position, ranks));
    case motet_prod:
      return from_integer<T>(factor<T>(rank, position, ranks));
    case motet_min:
    case motet_max:
      return from_integer<T>(static_cast<std::int64_t>(
          scramble(rank, position) % static_cast<std::uint64_t>(exact_limit<T>() + 1)));
    default:
      return from_integer<T>(mask(rank, position, ranks, op));
  }
}

// In which type a and b can be combined exactly.
template <class T>
using Wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

template <class T>
Wide<T> widen(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(value);
  } else if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}

template <class T>
T combine(motet_op op, T a, T b) {
  const Wide<T> x = widen(a);
  const Wide<T> y = widen(b);
  if (op == motet_min) return x < y ? a : b;
  if (op == motet_max) return x < y ? b : a;
  const auto narrow = [](Wide<T> value) {
    if constexpr (std::is_integral_v<T> || std::is_floating_point_v<T>)
      return static_cast<T>(value);
    return T(static_cast<float>(value));
  };
  if constexpr (std::is_integral_v<T>) {
    if (op == motet_and) return narrow(x & y);
    if (op == motet_or) return narrow(x | y);
    if (op == motet_xor) return narrow(x ^ y);
  }
  return narrow(op == motet_prod ? x * y : x + y);
}

template <class T>
T average(T sum, int ranks) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::int64_t>(sum) / ranks);
  if constexpr (std::is_same_v<T, double>) return sum / ranks;
  return T(static_cast<float>(sum) / static_cast<float>(ranks));
}

template <class T>
T expected(motet_op op, std::size_t position, int ranks) {
  if (op == motet_premul_sum) op = motet_sum;  // of the halves
  T result = element<T>(op, 0, position, ranks);
  for (int rank = 1; rank < ranks; ++rank)
    result = combine<T>(op, result, element<T>(op, rank, position, ranks));
  return op == motet_avg ? average<T>(result, ranks) : result;
}

template <class T>
void write_tiles(motet_op op, int ranks, bool combines, std::byte* memory) {
  const auto put = [&memory](T value) {
    std::memcpy(memory, &value, sizeof value);
    memory += sizeof value;
  };
  for (std::size_t i = 0; i < Pattern::tile_count; ++i)
    put(combines ? expected<T>(op, i, ranks) : T{});
  for (int rank = 0; rank < ranks; ++rank)
    for (std::size_t i = 0; i < Pattern::tile_count; ++i) put(element<T>(op, rank, i, ranks));
}

using WriteTiles = void (*)(motet_op, int, bool, std::byte*);
constexpr WriteTiles writers[] = {
    write_tiles<std::int8_t>,     write_tiles<std::int16_t>,  write_tiles<std::int32_t>,
    write_tiles<std::int64_t>,    write_tiles<std::uint8_t>,  write_tiles<std::uint16_t>,
    write_tiles<std::uint32_t>,   write_tiles<std::uint64_t>, write_tiles<motet::float16>,
    write_tiles<motet::bfloat16>, write_tiles<float>,         write_tiles<double>,
};

// Calls `act(tile bytes, offset in memory)` for each piece of the segment that is contiguous in the
// tile.
template <class Act>
void for_each_piece(const Segment& segment, std::span<const std::byte> tile,
                    std::size_t element_bytes, Act&& act) {
  std::size_t from = segment.start % Pattern::tile_count;
  for (std::size_t done = 0; done < segment.count;) {
    const std::size_t count = std::min(Pattern::tile_count - from, segment.count - done);
    act(tile.subspan(from * element_bytes, count * element_bytes), done * element_bytes);
    done += count;
    from = 0;
  }
}

std::size_t count_different(std::span<const std::byte> want, const std::byte* have,
                            std::size_t element_bytes) {
  if (std::memcmp(want.data(), have, want.size()) == 0) return 0;
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < want.size(); at += element_bytes)
    wrong += std::memcmp(want.data() + at, have + at, element_bytes) != 0 ? 1 : 0;
  return wrong;
}

}  // namespace

Pattern::Pattern(const TypeRow& type, const OpRow& op, int ranks, bool combines)
    : element_bytes_(type.bytes),
      tile_bytes_(tile_count * type.bytes),
      tiles_(tile_bytes_ * (static_cast<std::size_t>(ranks) + 1)) {
  // Where nothing is combined, values may use the whole range, as those of max do.
  writers[type.type](combines ? op.op : motet_max, ranks, combines, tiles_.data());
}

std::span<const std::byte> Pattern::tile(int source) const {
  return std::span(tiles_).subspan(tile_bytes_ * static_cast<std::size_t>(source + 1), tile_bytes_);
}

void Pattern::fill(const Segment& segment, std::byte* memory) const {
  for_each_piece(segment, tile(segment.source), element_bytes_,
                 [&](std::span<const std::byte> piece, std::size_t offset) {
                   std::memcpy(memory + offset, piece.data(), piece.size());
                 });
}

std::size_t Pattern::count_wrong(const Segment& segment, const std::byte* memory) const {
  std::size_t wrong = 0;
  for_each_piece(segment, tile(segment.source), element_bytes_,
                 [&](std::span<const std::byte> piece, std::size_t offset) {
                   wrong += count_different(piece, memory + offset, element_bytes_);
                 });
  return wrong;
}

}  // namespace motet_perf
