// Operations that are told more than their name.
#include <algorithm>
#include <motet/motet.hpp>

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
    for (int again = 0; again < 2; ++again) {
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

}  // namespace

const Scenarios& operation_scenarios() {
  static const Scenarios all{{"premultiplied_sums", premultiplied_sums},
                             {"premultiplied_means_fit", premultiplied_means_fit},
                             {"premultiplied_requests", premultiplied_requests}};
  return all;
}

}  // namespace motet::testing
