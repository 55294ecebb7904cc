#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "variant.hpp"

namespace motet_limits {
namespace {

using Call = void (*)(Side&, const Plan&);

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = kib * kib;

constexpr std::size_t block_bytes[] = {2 * kib,  4 * kib,   8 * kib,  16 * kib,
                                       64 * kib, 128 * kib, 256 * kib};
constexpr std::size_t most_blocks = 4096;       // what is gained by smaller ones is gained by then
constexpr std::size_t largest_whole = 4 * mib;  // two such slots fill the area
constexpr std::size_t largest_in_lines = 8 * kib;
constexpr std::size_t largest_run_ahead = 64 * kib;
constexpr std::size_t smallest_pull = 16 * kib;  // below, a system call costs more than a copy
constexpr std::size_t smallest_streamed = mib;   // below, caches are the faster way

std::string bytes_text(std::size_t bytes) {
  return fmt::format("{}KiB", bytes / kib);
}

// Block sizes smaller than what is sent, in floats.
std::vector<std::size_t> blocks_below(std::size_t bytes) {
  std::vector<std::size_t> blocks;
  for (const std::size_t block : block_bytes)
    if (block < bytes && bytes / block <= most_blocks) blocks.push_back(block / sizeof(float));
  return blocks;
}

class List {
 public:
  List(const Cell& cell, Stores streamed)
      : bytes_(cell.count * sizeof(float)), total_(bytes_of(cell)), streamed_(streamed) {}

  // Both ways to store, where both may win.
  void add(const std::string& name, Call call, Plan plan) {
    variants_.push_back({name, call, plan});
    if (total_ < smallest_streamed) return;
    plan.stores = streamed_;
    variants_.push_back({name + " streamed", call, plan});
  }

  // One block of `bytes`, and pipelines of smaller ones.
  void add_pipelines(const std::string& name, Call call, std::size_t bytes,
                     const std::vector<std::size_t>& aheads) {
    if (bytes <= largest_whole) add(name + " whole", call, {.block_floats = whole(bytes)});
    for (const std::size_t block : blocks_below(bytes))
      for (const std::size_t ahead : aheads)
        add(fmt::format("{} {} ahead {}", name, bytes_text(block * sizeof(float)), ahead), call,
            {.block_floats = block, .ahead = ahead});
  }

  void add_pulls(const std::string& name, Call call, std::size_t bytes, std::size_t ahead) {
    for (const std::size_t block : blocks_below(bytes)) {
      if (block * sizeof(float) < smallest_pull) continue;
      add(name + " " + bytes_text(block * sizeof(float)), call,
          {.block_floats = block, .ahead = ahead});
    }
  }

  void add_once(const std::string& name, Call call, Plan plan) {
    variants_.push_back({name, call, plan});
  }

  static std::size_t whole(std::size_t bytes) {
    return std::max<std::size_t>(1, bytes / sizeof(float));
  }

  std::size_t bytes() const { return bytes_; }
  std::vector<Variant> take() { return std::move(variants_); }

 private:
  std::size_t bytes_, total_;
  Stores streamed_;
  std::vector<Variant> variants_;
};

std::size_t lines_in(std::size_t bytes) {
  const std::size_t floats = bytes / sizeof(float);
  return (floats + MessageLine::floats - 1) / MessageLine::floats;
}

void add_lines(List& list, bool one_way) {
  if (list.bytes() > largest_in_lines) return;
  if (!one_way) {
    list.add_once("lines", exchange_own_lines, {});
    list.add_once("lines swapped", exchange_swapped_lines, {});
    return;
  }
  // The shortest ring stays in the nearest cache; a long one lets the root run ahead.
  const std::size_t shortest = 2 * lines_in(list.bytes());
  for (const std::size_t ring : {shortest, std::size_t{64}, Arena::ring_lines})
    if (ring >= shortest)
      list.add_once(fmt::format("lines ring {}", ring), stream_lines, {.ahead = ring - 1});
}

void add_slots(List& list, const Cell& cell) {
  if (cell.collective != Collective::broadcast) {
    list.add_pipelines("one-shot", one_shot, list.bytes(), {1, 3, 7});
    if (cell.collective == Collective::allreduce && cell.count > 1)
      list.add_pipelines("two-shot", two_shot, (list.bytes() + sizeof(float)) / 2, {1, 3, 7});
    return;
  }
  // One way, slots are faster to write when the reader's cache has forgotten them.
  list.add_pipelines("stream", stream, list.bytes(), {1, 7, 31});
  // Small calls follow each other faster when the root need not wait for each.
  if (list.bytes() <= largest_run_ahead)
    list.add_once("stream whole ahead 15", stream,
                  {.block_floats = List::whole(list.bytes()), .ahead = 15});
}

void add_pulls(List& list, const Cell& cell) {
  if (list.bytes() < smallest_pull) return;
  const bool combines =
      cell.collective == Collective::allreduce || cell.collective == Collective::reduce_scatter;
  if (!combines) {
    list.add("pull whole", pull, {.block_floats = List::whole(list.bytes())});
    return;
  }
  list.add_pulls("pull", pull, list.bytes() + 1, 0);
  if (cell.collective == Collective::allreduce)
    list.add_pulls("pull two-shot", pull_two_shot, list.bytes() / 2 + 1, 1);
}

void add_mapped(List& list, const Cell& cell) {
  const Plan plan;
  list.add("mapped pull", mapped_pull, plan);
  const bool combines =
      cell.collective == Collective::allreduce || cell.collective == Collective::reduce_scatter;
  if (!combines) list.add("mapped push", mapped_push, plan);
  if (cell.collective == Collective::allreduce || cell.collective == Collective::broadcast)
    list.add("mapped halves", mapped_halves, plan);
}

}  // namespace

std::vector<Variant> variants_for(const Cell& cell, Buffers buffers, Pulls pulls) {
  if (cell.collective == Collective::barrier)
    return {{"flags", exchange_own_flags, {}}, {"flags swapped", exchange_swapped_flags, {}}};
  List list(cell, Stores::streamed_first);
  add_lines(list, cell.collective == Collective::broadcast);
  add_slots(list, cell);
  if (pulls == Pulls::allowed && buffers == Buffers::ordinary) add_pulls(list, cell);
  std::vector<Variant> all = list.take();
  if (buffers == Buffers::shared) {
    List mapped(cell, Stores::streamed);
    add_mapped(mapped, cell);
    std::ranges::move(mapped.take(), std::back_inserter(all));
  }
  return all;
}

}  // namespace motet_limits
