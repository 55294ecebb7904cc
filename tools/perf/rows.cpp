#include "rows.hpp"

#include <algorithm>
#include <stdexcept>

namespace motet_perf {
namespace {

// Nobody is its own peer.
bool can_be_called(const CollectiveRow& collective, int ranks) {
  return collective.kind != Kind::sendrecv || ranks > 1;
}
constexpr auto no_peer = "sendrecv needs two ranks";

// Rows of one collective, type and op. Sizes that come to the same count appear once.
void add_rows(std::vector<Row>& rows, const Row& like, const Sizes& sizes) {
  const CollectiveRow& collective = like.shape.row;
  if (collective.whole == Whole::nothing) {
    rows.push_back(like);
    return;
  }
  std::size_t last = 0;
  for (const std::size_t bytes : sizes_of(sizes)) {
    Row row = like;
    row.shape.count = count_for(collective, bytes, like.type.bytes, like.shape.ranks);
    if (row.shape.count == last && row.shape.count != 0) continue;
    last = row.shape.count;
    rows.push_back(row);
  }
}

std::vector<Row> rows_of_replay(const Options& options, int ranks) {
  std::vector<Row> rows;
  for (const ReplayedCall& call : options.replay) {
    if (!can_be_called(call.collective, ranks)) throw std::invalid_argument(no_peer);
    rows.push_back({.shape = {call.collective, count_of(call, ranks), ranks, options.root,
                              options.skew_percent},
                    .type = call.type,
                    .op = call.op,
                    .wait_after = call.wait_after});
  }
  return rows;
}

}  // namespace

std::vector<Row> rows_of(const Options& options, int ranks) {
  if (!options.replay.empty()) return rows_of_replay(options, ranks);
  std::vector<Row> rows;
  for (const CollectiveRow& collective : options.collectives) {
    if (!can_be_called(collective, ranks)) continue;
    for (const TypeRow& type : options.types) {
      for (const OpRow& op : options.ops) {
        if (collective.reduces && !is_defined(op, type)) continue;
        const Row like{{collective, 0, ranks, options.root, options.skew_percent}, type, op};
        add_rows(rows, like, options.sizes);
        if (!collective.reduces) break;  // one op says as much as all
      }
      if (collective.whole == Whole::nothing) break;
    }
  }
  if (rows.empty()) throw std::invalid_argument(no_peer);
  return rows;
}

std::size_t largest_buffer(std::span<const Row> rows, int rank) {
  std::size_t largest = 0;
  for (const Row& row : rows) {
    const Shape& shape = row.shape;
    largest = std::max(largest, bytes_of(shape.row, shape.count, row.type.bytes, shape.ranks));
    // The last rank of an alltoallv gets more than it sends.
    largest = std::max(largest, output_count(shape, rank) * row.type.bytes);
  }
  return largest;
}

}  // namespace motet_perf
