#include "cell.hpp"

#include <algorithm>

namespace motet_limits {
namespace {

bool counts_all_parts(Collective collective) {
  return collective == Collective::allgather || collective == Collective::reduce_scatter ||
         collective == Collective::alltoall;
}

std::size_t parts(Collective collective) {
  return counts_all_parts(collective) ? 2 : 1;
}

}  // namespace

std::string_view name(Collective collective) {
  switch (collective) {
    case Collective::allreduce:
      return "allreduce";
    case Collective::allgather:
      return "allgather";
    case Collective::reduce_scatter:
      return "reduce_scatter";
    case Collective::broadcast:
      return "broadcast";
    case Collective::alltoall:
      return "alltoall";
    case Collective::barrier:
      return "barrier";
  }
  return "";
}

Cell cell_for(Collective collective, std::size_t bytes) {
  if (collective == Collective::barrier) return {collective, 0};
  const std::size_t part_bytes = bytes / parts(collective);
  return {collective, std::max<std::size_t>(1, part_bytes / sizeof(float))};
}

std::size_t bytes_of(const Cell& cell) {
  return cell.count * sizeof(float) * parts(cell.collective);
}

std::size_t input_count(const Cell& cell, int rank) {
  switch (cell.collective) {
    case Collective::reduce_scatter:
    case Collective::alltoall:
      return 2 * cell.count;
    case Collective::broadcast:
      return rank == 0 ? cell.count : 0;
    default:
      return cell.count;
  }
}

std::size_t output_count(const Cell& cell) {
  const bool both_parts =
      cell.collective == Collective::allgather || cell.collective == Collective::alltoall;
  return both_parts ? 2 * cell.count : cell.count;
}

Exchange exchange_of(const Cell& cell, int rank, const Ends& ends) {
  const std::size_t count = cell.count;
  const std::size_t own = rank == 0 ? 0 : count;
  const std::size_t other = count - own;
  const auto& [in, out] = ends;
  switch (cell.collective) {
    case Collective::allreduce:
      return {in, count, out, count, in};
    case Collective::reduce_scatter:
      return {in + other, count, out, count, in + own};
    case Collective::allgather:
      return {in, count, out + other, count, nullptr, in, out + own, count};
    case Collective::alltoall:
      return {in + other, count, out + other, count, nullptr, in + own, out + own, count};
    case Collective::broadcast:
      if (rank == 0) return {in, count};
      return {nullptr, 0, out, count};
    case Collective::barrier:
      return {};
  }
  return {};
}

}  // namespace motet_limits
