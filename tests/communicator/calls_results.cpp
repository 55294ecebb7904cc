// Every collective, algorithm, type and operation.
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <motet/element.hpp>

#include "calls.hpp"

namespace motet::testing {
namespace {

constexpr std::initializer_list<motet_collective> collectives{
    motet_collective_allreduce, motet_collective_allgather, motet_collective_reduce_scatter,
    motet_collective_broadcast, motet_collective_reduce,    motet_collective_alltoall,
    motet_collective_gather,    motet_collective_scatter,   motet_collective_barrier};

bool has_root(motet_collective collective) {
  return collective == motet_collective_broadcast || collective == motet_collective_reduce ||
         collective == motet_collective_gather || collective == motet_collective_scatter;
}

// False where the algorithm does not support so many ranks: every rank must say so.
bool make(const Asked& asked, const World& world) {
  OneCall call(asked, world.comm);
  const motet_status status = call.run();
  if (asked.algorithm != nullptr && status == motet_invalid_argument) {
    const std::string why = motet_last_error();
    must_be(why.find("does not support this problem") != std::string::npos, why);
    return false;
  }
  must(status);
  call.check();
  if (asked.algorithm != nullptr) {
    must_be(motet_last_algorithm(world.comm) == std::string(asked.algorithm), "another algorithm");
  }
  return true;
}

void make_everywhere(Asked asked, const World& world) {
  const int roots = has_root(asked.collective) ? world.size : 1;
  for (asked.root = 0; asked.root < roots; ++asked.root) {
    for (const bool in_place : {false, true}) {
      asked.in_place = in_place;
      make(asked, world);
    }
  }
}

void every_collective(const World& world) {
  for (const motet_collective collective : collectives) {
    for (const size_t count : {0, 1, 5, 1000, 4097, 30'001}) {
      make_everywhere({.collective = collective, .count = count}, world);
    }
  }
}

void large_collectives(const World& world) {
  for (const motet_collective collective : collectives) {
    for (const bool in_place : {false, true}) {
      make({.collective = collective,
            .count = 300'007,
            .root = world.size - 1,
            .in_place = in_place},
           world);
    }
  }
}

void every_algorithm(const World& world) {
  const std::map<motet_collective, std::vector<const char*>> algorithms{
      {motet_collective_allreduce,
       {"mesh", "star", "two_shot", "recursive_doubling", "halving_doubling", "ring", "circulant",
        "hierarchical"}},
      {motet_collective_allgather, {"mesh", "recursive_doubling", "circulant", "ring"}},
      {motet_collective_reduce_scatter, {"mesh", "recursive_halving", "circulant", "ring"}},
      {motet_collective_broadcast, {"mesh", "binomial", "scatter_allgather", "chain"}},
      {motet_collective_reduce, {"star", "binomial", "reduce_scatter_gather"}},
  };
  for (const auto& [collective, names] : algorithms) {
    for (const char* name : names) {
      for (const size_t count : {1, 7, 4097, 60'001}) {
        make_everywhere({.collective = collective, .count = count, .algorithm = name}, world);
      }
    }
  }
}

// ---- Types and operations: every rank contributes small integers.

int contribution(motet_op op, bool is_signed, int rank, size_t i) {
  const int pseudorandom = (rank * 7 + static_cast<int>(i) * 5 + 3) % 101;
  switch (op) {
    case motet_prod:
      return 1 + pseudorandom % 2;
    case motet_and:
    case motet_or:
    case motet_xor:
      return pseudorandom;
    default:
      return pseudorandom % 8 - (is_signed ? 4 : 0);
  }
}

int combine(motet_op op, int a, int b) {
  switch (op) {
    case motet_prod:
      return a * b;
    case motet_min:
      return std::min(a, b);
    case motet_max:
      return std::max(a, b);
    case motet_and:
      return a & b;
    case motet_or:
      return a | b;
    case motet_xor:
      return a ^ b;
    default:
      return a + b;
  }
}

template <class T>
class TypedCalls {
 public:
  TypedCalls(const World& world, motet_op op) : world_(world), op_(op) {}

  void run(size_t count) const {
    const size_t ranks = static_cast<size_t>(world_.size), mine = static_cast<size_t>(world_.rank);
    const std::vector<T> in = mine_of(count * ranks);
    const std::vector<T> expected = combined(count * ranks);
    const std::vector<T> part(expected.begin() + static_cast<long>(mine * count),
                              expected.begin() + static_cast<long>((mine + 1) * count));
    std::vector<T> out(count * ranks), both = in, out_part(count);
    must(motet_allreduce(in.data(), out.data(), out.size(), type_of<T>, op_, world_.comm, nullptr));
    expect_same(out, expected, "allreduce");
    must(motet_allreduce(both.data(), both.data(), both.size(), type_of<T>, op_, world_.comm,
                         nullptr));
    expect_same(both, expected, "allreduce in place");
    must(motet_reduce_scatter(in.data(), out_part.data(), count, type_of<T>, op_, world_.comm,
                              nullptr));
    expect_same(out_part, part, "reduce_scatter");
    const int root = static_cast<int>(count) % world_.size;
    std::fill(out.begin(), out.end(), T{});
    must(motet_reduce(in.data(), out.data(), out.size(), type_of<T>, op_, root, world_.comm,
                      nullptr));
    if (world_.rank == root) expect_same(out, expected, "reduce");
  }

 private:
  static constexpr bool is_float = type_of<T> >= motet_float16;
  static constexpr bool is_signed = is_float || type_of<T> < motet_uint8;

  std::vector<T> mine_of(size_t count) const {
    std::vector<T> data;
    for (size_t i = 0; i < count; ++i) {
      data.push_back(wrapped(contribution(op_, is_signed, world_.rank, i)));
    }
    return data;
  }

  std::vector<T> combined(size_t count) const {
    std::vector<T> data;
    for (size_t i = 0; i < count; ++i) {
      int result = contribution(op_, is_signed, 0, i);
      for (int rank = 1; rank < world_.size; ++rank) {
        result = combine(op_, result, contribution(op_, is_signed, rank, i));
      }
      data.push_back(op_ == motet_avg ? average(result) : wrapped(result));
    }
    return data;
  }

  T average(int sum) const {
    if constexpr (!is_float) {
      return static_cast<T>(sum / world_.size);  // toward zero
    } else if constexpr (std::is_same_v<T, double>) {
      return sum / static_cast<double>(world_.size);
    } else {
      return static_cast<T>(static_cast<float>(sum) / static_cast<float>(world_.size));
    }
  }

  // Integers wrap around; no float is that large here.
  static T wrapped(int number) {
    if constexpr (is_float) {
      return static_cast<T>(static_cast<float>(number));
    } else {
      return static_cast<T>(number);
    }
  }

  void expect_same(const std::vector<T>& is, const std::vector<T>& should_be,
                   const char* what) const {
    must_be(std::equal(is.begin(), is.end(), should_be.begin(), should_be.end()),
            std::string(what) + " of type " + std::to_string(type_of<T>) + ", operation " +
                std::to_string(op_) + ", " + std::to_string(is.size()) + " elements");
  }

  World world_;
  motet_op op_;
};

template <class... Types>
void make_typed_calls(const World& world) {
  for (const size_t count : {1, 13, 1021}) {
    for (const motet_op op : {motet_sum, motet_prod, motet_min, motet_max, motet_avg}) {
      (TypedCalls<Types>(world, op).run(count), ...);
    }
  }
}

template <class... Types>
void make_bitwise_calls(const World& world) {
  for (const motet_op op : {motet_and, motet_or, motet_xor}) {
    (TypedCalls<Types>(world, op).run(77), ...);
  }
}

void every_type(const World& world) {
  make_typed_calls<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
                   float16, bfloat16, float, double>(world);
  make_bitwise_calls<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>(
      world);
}

}  // namespace

const Scenarios& result_scenarios() {
  static const Scenarios all{{"every_collective", every_collective},
                             {"large_collectives", large_collectives},
                             {"every_algorithm", every_algorithm},
                             {"every_type", every_type}};
  return all;
}

}  // namespace motet::testing
