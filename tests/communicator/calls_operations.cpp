// Operations that are told more than their name.
#include <algorithm>
#include <cstdint>
#include <motet/motet.hpp>
#include <motet/plan.hpp>
#include <motet/reduction.hpp>
#include <span>

#include "calls.hpp"

namespace motet::testing {
namespace {

// ---- Premultiplied sums: every rank has a scale of its own.

double scale_of(int rank) {
  return rank % 3 == 1 ? 0 : rank - 1.5;
}

template <class T>
class Premultiplied {
 public:
  Premultiplied(const World& world, size_t count) : world_(world), count_(count) {
    call_.size = sizeof call_;
    call_.scale = scale_of(world.rank);
    for (size_t i = 0; i < all(); ++i) in_.push_back(value(world.rank, i));
  }

  void run() {
    allreduce();
    reduce_scatter();
    for (int root = 0; root < world_.size; ++root) reduce(root);
  }

 private:
  static T value(int rank, size_t i) {
    return static_cast<T>(static_cast<float>(1 + static_cast<int>(i % 7) + rank));
  }
  // Small multiples of a half: exact in every order.
  T expected(size_t i) const {
    float sum = 0;
    for (int rank = 0; rank < world_.size; ++rank) {
      sum += static_cast<float>(scale_of(rank)) * static_cast<float>(value(rank, i));
    }
    return static_cast<T>(sum);
  }

  size_t all() const { return count_ * static_cast<size_t>(world_.size); }
  size_t mine() const { return count_ * static_cast<size_t>(world_.rank); }

  void allreduce() {
    std::vector<T> out(all()), both = in_;
    must(motet_allreduce(in_.data(), out.data(), all(), type_of<T>, motet_premul_sum, world_.comm,
                         &call_));
    expect_sum(out.data(), 0, all(), "allreduce");
    must(motet_allreduce(both.data(), both.data(), all(), type_of<T>, motet_premul_sum, world_.comm,
                         &call_));
    expect_sum(both.data(), 0, all(), "allreduce in place");
  }

  void reduce_scatter() {
    std::vector<T> out(count_), both = in_;
    must(motet_reduce_scatter(in_.data(), out.data(), count_, type_of<T>, motet_premul_sum,
                              world_.comm, &call_));
    expect_sum(out.data(), mine(), count_, "reduce_scatter");
    must(motet_reduce_scatter(both.data(), both.data() + mine(), count_, type_of<T>,
                              motet_premul_sum, world_.comm, &call_));
    expect_sum(both.data() + mine(), mine(), count_, "reduce_scatter in place");
  }

  void reduce(int root) {
    std::vector<T> out(all()), both = in_;
    must(motet_reduce(in_.data(), out.data(), all(), type_of<T>, motet_premul_sum, root,
                      world_.comm, &call_));
    // Elsewhere `out` is ignored, so that this is in place at the root alone.
    must(motet_reduce(both.data(), both.data(), all(), type_of<T>, motet_premul_sum, root,
                      world_.comm, &call_));
    if (world_.rank != root) return must_be(both == in_, "reduce changed a rank's input");
    expect_sum(out.data(), 0, all(), "reduce");
    expect_sum(both.data(), 0, all(), "reduce in place");
  }

  void expect_sum(const T* is, size_t first, size_t count, const char* what) const {
    for (size_t i = 0; i < count; ++i) {
      if (is[i] == expected(first + i)) continue;
      must_be(false, std::string("premultiplied ") + what + " of type " +
                         std::to_string(type_of<T>) + ", element " + std::to_string(first + i) +
                         " of " + std::to_string(all()));
    }
    for (size_t i = 0; i < all(); ++i) {
      if (in_[i] != value(world_.rank, i)) must_be(false, std::string(what) + " changed its input");
    }
  }

  World world_;
  size_t count_;
  motet_call call_{};
  std::vector<T> in_;
};

void premultiplied_sums(const World& world) {
  for (const size_t count : {0, 1, 5, 1021, 40'001}) {
    for (int again = 0; again < (count < 2000 ? 2 : 1); ++again) {
      Premultiplied<float16>(world, count).run();
      Premultiplied<bfloat16>(world, count).run();
      Premultiplied<float>(world, count).run();
      Premultiplied<double>(world, count).run();
    }
  }
}

// A mean of float16 whose sum would not fit: each rank multiplies before anything is added.
void premultiplied_means_fit(const World& world) {
  Communicator comm(split(world.comm, 0, world.rank));
  const std::vector<float16> in(1000, float16(60'000));
  std::vector<float16> out(in.size());
  const double scale = 1.0 / world.size;
  comm.allreduce(in, out, ReduceOp::premul_sum, {.scale = scale});
  for (const float16 mean : out) {
    const auto off = static_cast<float>(mean) - 60'000;
    must_be(off >= -200 && off <= 200, "a mean of 60000 is " + std::to_string(off) + " off");
  }
}

// Several at a time, so each has memory of its own for its product.
void premultiplied_requests(const World& world) {
  Communicator comm(split(world.comm, 0, world.rank));
  const auto ranks = static_cast<size_t>(world.size);
  std::vector<std::vector<float>> in, out;
  std::vector<Request> requests;
  for (size_t k = 0; k < 20; ++k) {
    in.emplace_back(ranks * 3000, static_cast<float>(k));
    out.emplace_back(3000);
  }
  for (size_t k = 0; k < in.size(); ++k) {
    requests.push_back(comm.start_reduce_scatter(in[k], out[k], ReduceOp::premul_sum,
                                                 {.scale = static_cast<double>(k + 1)}));
  }
  for (size_t k = in.size(); k-- > 0;) {
    requests[k].wait();
    const auto sum = static_cast<float>(k * (k + 1) * ranks);
    must_be(out[k] == std::vector<float>(3000, sum), "request " + std::to_string(k));
  }
}

// ---- Reductions of the user's own.

// The ranks whose contributions it holds, if each was combined with its neighbour. 12 bytes.
struct Run {
  std::uint32_t first, last, position;
  bool operator==(const Run&) const = default;

  static Run of(int rank, size_t i) {
    const auto number = static_cast<std::uint32_t>(rank);
    return {number, number, static_cast<std::uint32_t>(i)};
  }
  static Run of_all(int ranks, size_t i) {
    return {0, static_cast<std::uint32_t>(ranks - 1), static_cast<std::uint32_t>(i)};
  }
};
Run join(const Run& a, const Run& b) {
  const bool fits = a.last + 1 == b.first && a.position == b.position;
  return fits ? Run{a.first, b.last, a.position} : Run{77, 77, 77};
}

// The largest value and who has it, the first of equals. 8 bytes.
struct Best {
  float value;
  std::int32_t rank;
  bool operator==(const Best&) const = default;

  static Best of(int rank, size_t i) {
    return {static_cast<float>((static_cast<size_t>(rank) * 5 + i) % 4), rank};
  }
  static Best of_all(int ranks, size_t i);
};
Best better(const Best& a, const Best& b) {
  return b.value > a.value || (b.value == a.value && b.rank < a.rank) ? b : a;
}
Best Best::of_all(int ranks, size_t i) {
  Best best = of(0, i);
  for (int rank = 1; rank < ranks; ++rank) best = better(best, of(rank, i));
  return best;
}

template <class T, class Op>
class UserCalls {
 public:
  UserCalls(const World& world, const Op& op, size_t count)
      : comm_(split(world.comm, 0, world.rank)), op_(op), count_(count) {
    for (size_t i = 0; i < all(); ++i) in_.push_back(T::of(comm_.rank(), i));
  }

  // By the planner's choice, or all of them by one that has all three.
  void run() {
    allreduce({});
    reduce_scatter({});
    for (int root = 0; root < comm_.size(); ++root) reduce(root, {});
  }
  void allreduce(const CallOptions& how) {
    std::vector<T> out(all()), both = in_;
    motet::allreduce(comm_, in_, out, op_, how);
    expect_right(out, 0, "allreduce", how);
    motet::allreduce(comm_, both, both, op_, how);
    expect_right(both, 0, "allreduce in place", how);
  }
  void reduce_scatter(const CallOptions& how) {
    std::vector<T> out(count_), both = in_;
    motet::reduce_scatter(comm_, in_, out, op_, how);
    expect_right(out, mine(), "reduce_scatter", how);
    const std::span<T> part(both.data() + mine(), count_);
    motet::reduce_scatter(comm_, both, part, op_, how);
    expect_right(part, mine(), "reduce_scatter in place", how);
  }
  void reduce(int root, const CallOptions& how) {
    std::vector<T> out(all()), both = in_;
    motet::reduce(comm_, in_, out, root, op_, how);
    motet::reduce(comm_, both, both, root, op_, how);
    if (comm_.rank() != root) return;
    expect_right(out, 0, "reduce", how);
    expect_right(both, 0, "reduce in place", how);
  }

 private:
  size_t all() const { return count_ * static_cast<size_t>(comm_.size()); }
  size_t mine() const { return count_ * static_cast<size_t>(comm_.rank()); }

  void expect_right(std::span<const T> is, size_t first, const std::string& what,
                    const CallOptions& how) const {
    for (size_t i = 0; i < is.size(); ++i) {
      if (is[i] == T::of_all(comm_.size(), first + i)) continue;
      must_be(false, what + (how.algorithm == nullptr ? "" : std::string(" by ") + how.algorithm) +
                         ", element " + std::to_string(first + i) + " of " + std::to_string(all()));
    }
    for (size_t i = 0; i < all(); ++i) {
      if (!(in_[i] == T::of(comm_.rank(), i))) must_be(false, what + " changed its input");
    }
  }

  Communicator comm_;
  const Op& op_;
  size_t count_;
  std::vector<T> in_;
};

void user_reductions(const World& world) {
  const auto runs = reduction<Run>(join, Commutes::no);
  const auto best = reduction<Best>(better);
  for (const size_t count : {0, 1, 3, 1021, 20'001}) {
    UserCalls<Run, decltype(runs)>(world, runs, count).run();
    UserCalls<Best, decltype(best)>(world, best, count).run();
  }
}

template <class T, class Op>
motet_status reduce_scatter_unevenly(const World& world, const Op& op, size_t longest,
                                     const char* algorithm = nullptr) {
  std::vector<size_t> counts;
  size_t total = 0, before = 0;
  for (int rank = 0; rank < world.size; ++rank) {
    if (rank == world.rank) before = total;
    total += counts.emplace_back(rank % 2 == 0 ? longest : longest / 2);
  }
  std::vector<T> in, out(counts[static_cast<size_t>(world.rank)]);
  for (size_t i = 0; i < total; ++i) in.push_back(T::of(world.rank, i));
  motet_call call{};
  call.size = sizeof call;
  call.reduction = op.get();
  call.algorithm = algorithm;
  const motet_status status = motet_reduce_scatterv(in.data(), out.data(), counts.data(),
                                                    motet_uint8, motet_user, world.comm, &call);
  for (size_t i = 0; status == motet_ok && i < out.size(); ++i) {
    must_be(out[i] == T::of_all(world.size, before + i), "element " + std::to_string(i));
  }
  return status;
}

// What suits one of them need not suit the other, though their counts are the same.
void uneven_user_reductions(const World& world) {
  const auto runs = reduction<Run>(join, Commutes::no);
  const auto best = reduction<Best>(better);
  for (const size_t longest : {1, 300, 20'000, 100'000}) {
    must(reduce_scatter_unevenly<Best>(world, best, longest));
    must(reduce_scatter_unevenly<Run>(world, runs, longest));
    must(reduce_scatter_unevenly<Best>(world, best, longest, "circulant"));
    must_be(
        reduce_scatter_unevenly<Run>(world, runs, longest, "circulant") == motet_invalid_argument,
        "an algorithm that keeps no order is refused");
  }
}

void ordered_algorithms(const World& world) {
  const auto runs = reduction<Run>(join, Commutes::no);
  for (const size_t count : {1, 1021, 20'001}) {
    UserCalls<Run, decltype(runs)> calls(world, runs, count);
    for (const char* name : {"mesh", "star", "two_shot", "recursive_doubling", "two_tree"}) {
      calls.allreduce({.algorithm = name});
    }
    calls.reduce_scatter({.algorithm = "mesh"});
    for (const char* name : {"star", "binomial", "reduce_scatter_gather"}) {
      for (int root = 0; root < world.size; ++root) calls.reduce(root, {.algorithm = name});
    }
  }
}

// Of the type's own elements, or of pairs of it: the function is told the type, and gets the user's
// pointer, which may differ from call to call.
void user_pointers_and_types(const World& world) {
  struct User {
    motet_type type;
    std::int64_t offset;  // added by every combination
  };
  const auto combine = [](void* out, const void* a, const void* b, size_t count, motet_type type,
                          void* user) {
    const auto& [expected, offset] = *static_cast<const User*>(user);
    for (size_t i = 0; i < count; ++i) {
      static_cast<std::int64_t*>(out)[i] =
          type != expected ? -1
                           : static_cast<const std::int64_t*>(a)[i] +
                                 static_cast<const std::int64_t*>(b)[i] + offset;
    }
  };
  User whole{motet_int64, 0}, halves{motet_int32, 0};
  const std::vector<std::int64_t> in(1000, world.rank + 1);
  const int ranks = world.size;
  for (int round = 1; round < 5; ++round) {
    for (User* user : {&whole, &halves}) {
      user->offset = round;
      motet_reduction reduction{};
      reduction.size = sizeof reduction;
      reduction.combine = combine;
      reduction.user = user;
      reduction.commutative = 1;
      reduction.element_bytes = user == &whole ? 0 : 8;
      motet_call call{};
      call.size = sizeof call;
      call.reduction = &reduction;
      std::vector<std::int64_t> out(in.size());
      must(motet_allreduce(in.data(), out.data(), in.size(), user->type, motet_user, world.comm,
                           &call));
      const std::int64_t sum = ranks * (ranks + 1) / 2 + round * (ranks - 1);
      must_be(out == std::vector<std::int64_t>(in.size(), sum), "a user's sum");
    }
  }
}

// Requests of different reductions at once, and plans of them.
void user_requests(const World& world) {
  Communicator comm(split(world.comm, 0, world.rank));
  const auto runs = reduction<Run>(join, Commutes::no);
  const auto best = reduction<Best>(better);
  const auto ranks = static_cast<size_t>(world.size);
  std::vector<Run> run_in, run_out(ranks * 5000);
  std::vector<Best> best_in, best_out(5000);
  for (size_t i = 0; i < ranks * 5000; ++i) {
    run_in.push_back(Run::of(world.rank, i));
    best_in.push_back(Best::of(world.rank, i));
  }
  Plan first([&](const CallOptions& how) { allreduce(comm, run_in, run_out, runs, how); });
  Plan second([&](const CallOptions& how) { reduce_scatter(comm, best_in, best_out, best, how); });
  for (int round = 0; round < 5; ++round) {
    std::fill(run_out.begin(), run_out.end(), Run{});
    std::fill(best_out.begin(), best_out.end(), Best{});
    Request running = first.start();
    second.run();
    running.wait();
    for (size_t i = 0; i < run_out.size(); ++i) {
      must_be(run_out[i] == Run::of_all(world.size, i), "a planned run");
    }
    for (size_t i = 0; i < best_out.size(); ++i) {
      const size_t place = static_cast<size_t>(world.rank) * 5000 + i;
      must_be(best_out[i] == Best::of_all(world.size, place), "a planned best");
    }
  }
}

}  // namespace

const Scenarios& operation_scenarios() {
  static const Scenarios all{{"premultiplied_sums", premultiplied_sums},
                             {"premultiplied_means_fit", premultiplied_means_fit},
                             {"premultiplied_requests", premultiplied_requests},
                             {"user_reductions", user_reductions},
                             {"uneven_user_reductions", uneven_user_reductions},
                             {"ordered_algorithms", ordered_algorithms},
                             {"user_pointers_and_types", user_pointers_and_types},
                             {"user_requests", user_requests}};
  return all;
}

}  // namespace motet::testing
