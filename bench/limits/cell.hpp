// A collective of two ranks at one size, and which floats of whom end up where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace motet_limits {

enum class Collective : std::uint8_t {
  allreduce,
  allgather,
  reduce_scatter,
  broadcast,  // of rank 0
  alltoall,
  barrier
};
inline constexpr std::array all_collectives{Collective::allreduce,      Collective::allgather,
                                            Collective::reduce_scatter, Collective::broadcast,
                                            Collective::alltoall,       Collective::barrier};

std::string_view name(Collective collective);

// `count` is of floats in a part: what each rank puts in (allreduce, allgather), gets
// (reduce_scatter), gives to each (alltoall), or what the root sends.
struct Cell {
  Collective collective;
  std::size_t count;
};

// The cell whose bytes, as nccl-tests counts them, are about `bytes`: those of all parts together
// for allgather, reduce_scatter and alltoall. At least one float a part, none for the barrier.
Cell cell_for(Collective collective, std::size_t bytes);
std::size_t bytes_of(const Cell& cell);

std::size_t input_count(const Cell& cell, int rank);
std::size_t output_count(const Cell& cell);

// One rank's buffers.
struct Ends {
  float* in;
  float* out;
};

// What a rank does when everything travels once: it sends, takes what arrives (adding its own part
// where there is one to add), and copies what stays.
struct Exchange {
  const float* send = nullptr;
  std::size_t send_count = 0;
  float* into = nullptr;
  std::size_t receive_count = 0;
  const float* addend = nullptr;  // null: what arrives is the result
  const float* stays = nullptr;
  float* stays_into = nullptr;
  std::size_t stays_count = 0;
};
Exchange exchange_of(const Cell& cell, int rank, const Ends& ends);

}  // namespace motet_limits
