#include "calls.hpp"

#include <algorithm>
#include <array>

namespace motet::testing {
namespace {

constexpr size_t guard = 16;  // elements on either side, which nobody may touch
constexpr float untouched = -77;

float value(int rank, size_t i) {
  return static_cast<float>((rank + 1) * 3 + static_cast<int>(i % 11));
}

size_t all(const Asked& asked, const World& world) {
  return asked.count * static_cast<size_t>(world.size);
}

bool has_input(const Asked& asked, const World& world) {
  const bool root_alone = asked.collective == motet_collective_broadcast ||
                          asked.collective == motet_collective_scatter;
  return !root_alone || world.rank == asked.root;
}

bool has_output(const Asked& asked, const World& world) {
  const bool root_alone =
      asked.collective == motet_collective_reduce || asked.collective == motet_collective_gather;
  return !root_alone || world.rank == asked.root;
}

size_t input_count(const Asked& asked, const World& world) {
  if (!has_input(asked, world) || asked.collective == motet_collective_barrier) return 0;
  switch (asked.collective) {
    case motet_collective_reduce_scatter:
    case motet_collective_alltoall:
    case motet_collective_scatter:
      return all(asked, world);
    default:
      return asked.count;
  }
}

size_t output_count(const Asked& asked, const World& world) {
  if (!has_output(asked, world) || asked.collective == motet_collective_barrier) return 0;
  switch (asked.collective) {
    case motet_collective_allgather:
    case motet_collective_alltoall:
    case motet_collective_gather:
      return all(asked, world);
    default:
      return asked.count;
  }
}

// In place: where the shorter buffer begins in the longer one.
size_t offset_of(const Asked& asked, const World& world, bool input) {
  const size_t mine = asked.count * static_cast<size_t>(world.rank);
  const size_t in = input_count(asked, world), out = output_count(asked, world);
  if (in == out || in == 0 || out == 0) return 0;
  return input == (in < out) ? mine : 0;
}

float sum_at(int ranks, size_t i) {
  float sum = 0;
  for (int rank = 0; rank < ranks; ++rank) sum += value(rank, i);
  return sum;
}

float expected_at(const Asked& asked, const World& world, size_t i) {
  const size_t mine = asked.count * static_cast<size_t>(world.rank);
  switch (asked.collective) {
    case motet_collective_allreduce:
    case motet_collective_reduce:
      return sum_at(world.size, i);
    case motet_collective_reduce_scatter:
      return sum_at(world.size, mine + i);
    case motet_collective_allgather:
    case motet_collective_gather:
      return value(static_cast<int>(i / asked.count), i % asked.count);
    case motet_collective_alltoall:
      return value(static_cast<int>(i / asked.count), mine + i % asked.count);
    case motet_collective_scatter:
      return value(asked.root, mine + i);
    default:
      return value(asked.root, i);
  }
}

bool is_guarded(const std::vector<float>& buffer) {
  const auto is_untouched = [](float element) { return element == untouched; };
  return std::all_of(buffer.begin(), buffer.begin() + guard, is_untouched) &&
         std::all_of(buffer.end() - guard, buffer.end(), is_untouched);
}

}  // namespace

Scenario find_scenario(const std::string& name) {
  for (const Scenarios* all :
       {&result_scenarios(), &uneven_scenarios(), &operation_scenarios(), &plan_scenarios(),
        &request_scenarios(), &memory_scenarios(), &joining_scenarios(), &thread_scenarios()}) {
    if (const auto found = all->find(name); found != all->end()) return found->second;
  }
  throw std::runtime_error("there is no scenario " + name);
}

motet_comm* split(motet_comm* comm, int color, int key) {
  motet_comm* part = nullptr;
  must(motet_comm_split(comm, color, key, &part));
  return part;
}

std::string to_text(const Asked& asked) {
  constexpr std::array names{"allreduce", "allgather", "reduce_scatter", "broadcast", "reduce",
                             "alltoall",  "gather",    "scatter",        "barrier"};
  return std::string(names.at(asked.collective)) + " of " + std::to_string(asked.count) + " root " +
         std::to_string(asked.root) + (asked.in_place ? " in place" : "") +
         (asked.algorithm == nullptr ? "" : std::string(" by ") + asked.algorithm);
}

OneCall::OneCall(const Asked& asked, motet_comm* comm) : asked_(asked), world_(comm) {
  fill();
}

// Where they were before, as plans need it.
void OneCall::fill() {
  const size_t in = input_count(asked_, world_), out = output_count(asked_, world_);
  in_.assign(in + 2 * guard, untouched);
  out_.assign((asked_.in_place ? std::max(in, out) : out) + 2 * guard, untouched);
  for (size_t i = 0; i < in; ++i) input()[i] = value(world_.rank, i);
}

float* OneCall::input() {
  if (!asked_.in_place) return in_.data() + guard;
  return out_.data() + guard + offset_of(asked_, world_, true);
}

float* OneCall::output() {
  return out_.data() + guard + (asked_.in_place ? offset_of(asked_, world_, false) : 0);
}

motet_status OneCall::call(const motet_call& how) {
  motet_call call = how;
  call.size = sizeof call;
  call.algorithm = asked_.algorithm;
  const auto [collective, count, root, in_place, algorithm] = asked_;
  constexpr motet_type type = motet_float32;
  switch (collective) {
    case motet_collective_allreduce:
      return motet_allreduce(input(), output(), count, type, motet_sum, world_.comm, &call);
    case motet_collective_allgather:
      return motet_allgather(input(), output(), count, type, world_.comm, &call);
    case motet_collective_reduce_scatter:
      return motet_reduce_scatter(input(), output(), count, type, motet_sum, world_.comm, &call);
    case motet_collective_broadcast:
      return motet_broadcast(input(), output(), count, type, root, world_.comm, &call);
    case motet_collective_reduce:
      return motet_reduce(input(), output(), count, type, motet_sum, root, world_.comm, &call);
    case motet_collective_alltoall:
      return motet_alltoall(input(), output(), count, type, world_.comm, &call);
    case motet_collective_gather:
      return motet_gather(input(), output(), count, type, root, world_.comm, &call);
    case motet_collective_scatter:
      return motet_scatter(input(), output(), count, type, root, world_.comm, &call);
    default:
      return motet_barrier(world_.comm, &call);
  }
}

motet_status OneCall::run(int timeout_ms) {
  motet_call how{};
  how.timeout_ms = timeout_ms;
  return call(how);
}

motet_status OneCall::start(OnDone on_done, void* user) {
  motet_call how{};
  how.request = &request_;
  how.on_done = on_done;
  how.user = user;
  return call(how);
}

motet_status OneCall::bind(motet_plan** plan) {
  motet_call how{};
  how.plan = plan;
  return call(how);
}

motet_status OneCall::start_unattended(OnDone on_done, void* user) {
  motet_call how{};
  how.on_done = on_done;
  how.user = user;
  return call(how);
}

void OneCall::check() const {
  const auto refuse = [&](const std::string& what) { must_be(false, to_text(asked_) + what); };
  const size_t from = guard + (asked_.in_place ? offset_of(asked_, world_, false) : 0);
  for (size_t i = 0; i < output_count(asked_, world_); ++i) {
    const float is = out_[from + i];
    if (is == expected_at(asked_, world_, i)) continue;
    refuse(": element " + std::to_string(i) + " is " + std::to_string(is));
  }
  if (!is_guarded(in_) || !is_guarded(out_)) refuse(": wrote beyond its buffer");
  if (asked_.in_place) return;
  for (size_t i = 0; i < input_count(asked_, world_); ++i) {
    if (in_[guard + i] != value(world_.rank, i)) refuse(": changed its input");
  }
}

}  // namespace motet::testing
