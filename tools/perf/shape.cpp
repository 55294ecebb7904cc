#include "pattern.hpp"

namespace motet_perf {
namespace {

std::size_t whole(const Shape& shape) {
  return shape.count * static_cast<std::size_t>(shape.ranks);
}

// Every rank's part of its own stream, from its beginning.
std::vector<Segment> one_of_each(const Shape& shape) {
  std::vector<Segment> segments;
  segments.reserve(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) {
    segments.push_back({rank, 0, part_count(shape, rank)});
  }
  return segments;
}

// What every rank has for this one, which lies at the same place with all of them.
std::vector<Segment> one_from_each(const Shape& shape, int to) {
  std::vector<Segment> segments;
  segments.reserve(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) {
    segments.push_back({rank, part_offset(shape, to), part_count(shape, to)});
  }
  return segments;
}

}  // namespace

std::size_t part_offset(const Shape& shape, int rank) {
  const auto r = static_cast<std::size_t>(rank);
  if (!shape.row.uneven || rank == 0 || rank == shape.ranks) return shape.count * r;
  // In doubles, which are the same everywhere and exact for all sizes that there are.
  const double skew = shape.skew_percent / 100.0;
  const double mean = 1 - skew + skew * (rank - 1) / (shape.ranks - 1);  // of those before
  return static_cast<std::size_t>(static_cast<double>(shape.count) * rank * mean);
}

std::size_t part_count(const Shape& shape, int rank) {
  return part_offset(shape, rank + 1) - part_offset(shape, rank);
}

std::vector<std::size_t> part_counts(const Shape& shape) {
  std::vector<std::size_t> counts;
  counts.reserve(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) counts.push_back(part_count(shape, rank));
  return counts;
}

std::size_t input_count(const Shape& shape, int rank) {
  switch (shape.row.kind) {
    case Kind::reduce_scatter:
    case Kind::alltoall:
      return whole(shape);
    case Kind::broadcast:
      return rank == shape.root ? shape.count : 0;
    case Kind::scatter:
      return rank == shape.root ? whole(shape) : 0;
    case Kind::allgather:
    case Kind::gather:
      return part_count(shape, rank);
    default:
      return shape.count;
  }
}

std::vector<Segment> output_segments(const Shape& shape, int rank) {
  const std::size_t mine = part_offset(shape, rank);
  const bool is_root = rank == shape.root;
  switch (shape.row.kind) {
    case Kind::allreduce:
      return {{Segment::combined, 0, shape.count}};
    case Kind::reduce:
      if (!is_root) return {};
      return {{Segment::combined, 0, shape.count}};
    case Kind::reduce_scatter:
      return {{Segment::combined, mine, part_count(shape, rank)}};
    case Kind::broadcast:
      return {{shape.root, 0, shape.count}};
    case Kind::allgather:
      return one_of_each(shape);
    case Kind::gather:
      return is_root ? one_of_each(shape) : std::vector<Segment>{};
    case Kind::alltoall:
      return one_from_each(shape, rank);
    case Kind::scatter:
      return {{shape.root, mine, part_count(shape, rank)}};
    case Kind::sendrecv:
      return {{(rank + shape.ranks - 1) % shape.ranks, 0, shape.count}};
    case Kind::barrier:
      return {};
  }
  return {};
}

std::size_t output_count(const Shape& shape, int rank) {
  std::size_t count = 0;
  for (const Segment& segment : output_segments(shape, rank)) count += segment.count;
  return count;
}

Placement in_place(const Shape& shape, int rank) {
  const std::size_t mine = part_offset(shape, rank);
  const bool is_root = rank == shape.root;
  switch (shape.row.kind) {
    case Kind::allgather:
      return {mine, 0};
    case Kind::gather:
      return {is_root ? mine : 0, 0};
    case Kind::reduce_scatter:
      return {0, mine};
    case Kind::scatter:
      return {0, is_root ? mine : 0};
    default:
      return {0, 0};
  }
}

}  // namespace motet_perf
