#include "pattern.hpp"

namespace motet_perf {
namespace {

std::size_t whole(const Shape& shape) {
  return shape.count * static_cast<std::size_t>(shape.ranks);
}

// `count` elements of every rank's stream, from position `start`.
std::vector<Segment> one_of_each(const Shape& shape, std::size_t start) {
  std::vector<Segment> segments;
  segments.reserve(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) segments.push_back({rank, start, shape.count});
  return segments;
}

}  // namespace

std::size_t input_count(const Shape& shape, int rank) {
  switch (shape.row.kind) {
    case Kind::reduce_scatter:
    case Kind::alltoall:
      return whole(shape);
    case Kind::broadcast:
      return rank == shape.root ? shape.count : 0;
    case Kind::scatter:
      return rank == shape.root ? whole(shape) : 0;
    default:
      return shape.count;
  }
}

std::vector<Segment> output_segments(const Shape& shape, int rank) {
  const std::size_t mine = static_cast<std::size_t>(rank) * shape.count;
  const bool is_root = rank == shape.root;
  switch (shape.row.kind) {
    case Kind::allreduce:
      return {{Segment::combined, 0, shape.count}};
    case Kind::reduce:
      if (!is_root) return {};
      return {{Segment::combined, 0, shape.count}};
    case Kind::reduce_scatter:
      return {{Segment::combined, mine, shape.count}};
    case Kind::broadcast:
      return {{shape.root, 0, shape.count}};
    case Kind::allgather:
      return one_of_each(shape, 0);
    case Kind::gather:
      return is_root ? one_of_each(shape, 0) : std::vector<Segment>{};
    case Kind::alltoall:
      return one_of_each(shape, mine);
    case Kind::scatter:
      return {{shape.root, mine, shape.count}};
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
  const std::size_t mine = static_cast<std::size_t>(rank) * shape.count;
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
