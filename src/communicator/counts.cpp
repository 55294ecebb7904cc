#include "communicator/counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.hpp"

namespace motet {
namespace {

using Counts = std::span<const std::size_t>;

[[noreturn]] void refuse(const Arguments& a, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, fmt::format("{}v: {}", name(a.collective), why));
}

// Throws if they are not given or too many.
std::size_t checked_total(const Arguments& a, Counts counts, const char* what) {
  if (counts.empty()) refuse(a, fmt::format("{} is NULL", what));
  const std::size_t most = std::numeric_limits<std::size_t>::max() / 2 / element_bytes(a);
  std::size_t total = 0;
  for (std::size_t rank = 0; rank < counts.size(); ++rank) {
    if (counts[rank] > most - total) {
      refuse(a, fmt::format("{}: {} elements and those before do not fit into memory", what,
                            counts[rank]));
    }
    total += counts[rank];
  }
  return total;
}

Extent check_alltoall(const Arguments& a, Rank me, int world_size) {
  const Counts sent = counts_of(a, me, world_size), received = received_counts_of(a, world_size);
  const Extent extent{checked_total(a, sent, "send_counts"),
                      checked_total(a, received, "recv_counts")};
  const auto mine = static_cast<std::size_t>(me);
  if (sent[mine] != received[mine]) {
    refuse(a, fmt::format("rank {} sends itself {} elements and expects {}", me, sent[mine],
                          received[mine]));
  }
  return extent;
}

// The root's total; 0 elsewhere.
std::size_t check_rooted(const Arguments& a, Rank me, int world_size) {
  if (me != a.root) return 0;
  const Counts counts = counts_of(a, me, world_size);
  const std::size_t total = checked_total(a, counts, "counts");
  const std::size_t mine = counts[static_cast<std::size_t>(me)];
  if (mine == a.count) return total;
  refuse(a, fmt::format("the root's count is {}, its counts say {}", a.count, mine));
}

// Up, to three leading bits.
std::size_t rounded(std::size_t number) {
  const int dropped = std::max(0, static_cast<int>(std::bit_width(number)) - 3);
  return ((number - 1) >> dropped << dropped) + (std::size_t{1} << dropped);
}

}  // namespace

Counts counts_of(const Arguments& a, Rank me, int world_size) {
  const bool needs_none = has_root(a.collective) && me != a.root;
  return {a.counts, a.counts == nullptr || needs_none ? 0 : static_cast<std::size_t>(world_size)};
}

Counts received_counts_of(const Arguments& a, int world_size) {
  return {a.received_counts,
          a.received_counts == nullptr ? 0 : static_cast<std::size_t>(world_size)};
}

std::size_t total_of(Counts counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

Extent check_counts(const Arguments& a, Rank me, int world_size) {
  const auto mine = static_cast<std::size_t>(me);
  switch (a.collective) {
    case Collective::allgather: {
      const std::size_t total = checked_total(a, counts_of(a, me, world_size), "counts");
      return {a.counts[mine], total};
    }
    case Collective::reduce_scatter: {
      const std::size_t total = checked_total(a, counts_of(a, me, world_size), "counts");
      return {total, a.counts[mine]};
    }
    case Collective::alltoall:
      return check_alltoall(a, me, world_size);
    case Collective::gather:
      return {a.count, check_rooted(a, me, world_size)};
    case Collective::scatter:
      return {check_rooted(a, me, world_size), a.count};
    default:
      refuse(a, "there is no such collective");
  }
}

Shape shape_of(const Parts& parts) {
  std::size_t longest = 0;
  for (int i = 0; i < parts.size(); ++i) longest = std::max(longest, parts.count(i));
  if (longest == 0) return {};
  const std::size_t full = (parts.total() - 1) / longest + 1;
  return {.parts = std::min(rounded(full), static_cast<std::size_t>(parts.size())),
          .longest = rounded(longest)};
}

Division Shape::division(int world_size) const {
  std::vector<std::size_t> counts;
  const auto n = static_cast<std::size_t>(world_size);
  for (std::size_t i = 0; i < n; ++i) {  // spread over the ranks
    counts.push_back(i * parts / n == (i + 1) * parts / n ? 0 : longest);
  }
  return {.parts = Parts::each(counts)};
}

Division uneven_division_of(const Arguments& a, Rank me, int world_size) {
  const Counts counts = counts_of(a, me, world_size);
  if (all_know_counts(a.collective)) return {.parts = Parts::each(counts)};
  if (a.collective == Collective::alltoall) {
    return {.parts = Parts::each(counts),
            .received = Parts::each(received_counts_of(a, world_size)),
            .lengths = Lengths::known_to_ends};
  }
  if (me == a.root) return {.parts = Parts::each(counts), .lengths = Lengths::known_to_ends};
  std::vector<std::size_t> mine(static_cast<std::size_t>(world_size), 0);
  mine[static_cast<std::size_t>(me)] = a.count;
  return {.parts = Parts::each(mine), .lengths = Lengths::known_to_ends};
}

}  // namespace motet
