// The v-forms: parts of many lengths, some or all of them empty.
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <motet/element.hpp>
#include <numeric>

#include "calls.hpp"

namespace motet::testing {
namespace {

using Counts = std::vector<size_t>;

// How long part r of n is; `base` sets the scale.
struct Pattern {
  const char* name;
  size_t (*count)(size_t base, size_t r, size_t n);
};
constexpr Pattern patterns[] = {
    {"equal", [](size_t base, size_t, size_t) { return base; }},
    {"ragged", [](size_t base, size_t r, size_t) { return base * (r * 5 % 7) / 4 + r % 3; }},
    {"every other", [](size_t base, size_t r, size_t) { return r % 2 == 0 ? 0 : base + r; }},
    {"the last alone", [](size_t base, size_t r, size_t n) { return r + 1 == n ? n * base : 0; }},
    {"the first alone", [](size_t base, size_t r, size_t n) { return r == 0 ? n * base : 0; }},
    {"nothing", [](size_t, size_t, size_t) { return size_t{0}; }}};

const Pattern& named(const std::string& name) {
  return *std::find_if(std::begin(patterns), std::end(patterns),
                       [&](const Pattern& pattern) { return pattern.name == name; });
}

size_t total(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), size_t{0});
}
size_t before(const Counts& counts, int rank) {
  return std::accumulate(counts.begin(), counts.begin() + rank, size_t{0});
}

enum class Way { blocking, request, plan };

// A buffer with a guard on either side, which nobody may touch.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count) : elements_(count + 2 * guard, untouched()) {}
  // No pointer where there is nothing, as callers may have it.
  T* data() { return size() == 0 ? nullptr : elements_.data() + guard; }
  size_t size() const { return elements_.size() - 2 * guard; }
  T& operator[](size_t i) { return elements_[guard + i]; }
  bool is_intact() const {
    const auto intact = [](const T& element) { return element == untouched(); };
    return std::all_of(elements_.begin(), elements_.begin() + guard, intact) &&
           std::all_of(elements_.end() - guard, elements_.end(), intact);
  }

 private:
  static constexpr size_t guard = 16;
  static T untouched() { return static_cast<T>(111); }
  std::vector<T> elements_;
};

// Calls of one type. Elements are small, so that sums are exact.
template <class T>
class UnevenCalls {
 public:
  UnevenCalls(const World& world, Way way, const char* algorithm = nullptr)
      : world_(world), way_(way), algorithm_(algorithm) {}

  void allgatherv(const Counts& counts, bool in_place) {
    Guarded<T> out(total(counts)), in(in_place ? 0 : counts[me()]);
    T* const mine = in_place ? at(out, counts, world_.rank) : in.data();
    fill(mine, counts[me()], world_.rank);
    make("allgatherv", [&](const motet_call* call) {
      return motet_allgatherv(mine, out.data(), counts.data(), type_of<T>, world_.comm, call);
    });
    size_t i = 0;
    for (int rank = 0; rank < world_.size; ++rank) {
      for (size_t k = 0; k < counts[static_cast<size_t>(rank)]; ++k) expect(out[i++], of(rank, k));
    }
    must_be(out.is_intact() && in.is_intact(), "allgatherv wrote beyond its buffer");
  }

  void reduce_scatterv(const Counts& counts, bool in_place) {
    Guarded<T> in(total(counts)), out(in_place ? 0 : counts[me()]);
    fill(in.data(), in.size(), world_.rank);
    T* const mine = in_place ? at(in, counts, world_.rank) : out.data();
    make("reduce_scatterv", [&](const motet_call* call) {
      return motet_reduce_scatterv(in.data(), mine, counts.data(), type_of<T>, motet_sum,
                                   world_.comm, call);
    });
    for (size_t k = 0; k < counts[me()]; ++k) {
      T sum{};
      for (int rank = 0; rank < world_.size; ++rank) {
        sum = static_cast<T>(sum + of(rank, before(counts, world_.rank) + k));
      }
      expect(mine[k], sum);
    }
    must_be(out.is_intact() && in.is_intact(), "reduce_scatterv wrote beyond its buffer");
  }

  // length(from, to)
  template <class Length>
  void alltoallv(Length&& length) {
    Counts sent, received;
    for (int peer = 0; peer < world_.size; ++peer) {
      sent.push_back(length(me(), static_cast<size_t>(peer)));
      received.push_back(length(static_cast<size_t>(peer), me()));
    }
    Guarded<T> in(total(sent)), out(total(received));
    for (int to = 0; to < world_.size; ++to) {
      fill(at(in, sent, to), sent[static_cast<size_t>(to)], pair(world_.rank, to));
    }
    make("alltoallv", [&](const motet_call* call) {
      return motet_alltoallv(in.data(), sent.data(), out.data(), received.data(), type_of<T>,
                             world_.comm, call);
    });
    size_t i = 0;
    for (int from = 0; from < world_.size; ++from) {
      for (size_t k = 0; k < received[static_cast<size_t>(from)]; ++k) {
        expect(out[i++], of(pair(from, world_.rank), k));
      }
    }
    must_be(out.is_intact() && in.is_intact(), "alltoallv wrote beyond its buffer");
  }

  void gatherv(const Counts& counts, int root, bool in_place) {
    const bool at_root = world_.rank == root;
    Guarded<T> out(at_root ? total(counts) : 0), in(at_root && in_place ? 0 : counts[me()]);
    T* const mine = at_root && in_place ? at(out, counts, root) : in.data();
    fill(mine, counts[me()], world_.rank);
    make("gatherv", [&](const motet_call* call) {
      return motet_gatherv(mine, counts[me()], out.data(), at_root ? counts.data() : nullptr,
                           type_of<T>, root, world_.comm, call);
    });
    size_t i = 0;
    for (int rank = 0; at_root && rank < world_.size; ++rank) {
      for (size_t k = 0; k < counts[static_cast<size_t>(rank)]; ++k) expect(out[i++], of(rank, k));
    }
    must_be(out.is_intact() && in.is_intact(), "gatherv wrote beyond its buffer");
  }

  void scatterv(const Counts& counts, int root, bool in_place) {
    const bool at_root = world_.rank == root;
    Guarded<T> in(at_root ? total(counts) : 0), out(at_root && in_place ? 0 : counts[me()]);
    for (int to = 0; at_root && to < world_.size; ++to) {
      fill(at(in, counts, to), counts[static_cast<size_t>(to)], to);
    }
    T* const mine = at_root && in_place ? at(in, counts, root) : out.data();
    make("scatterv", [&](const motet_call* call) {
      return motet_scatterv(in.data(), at_root ? counts.data() : nullptr, mine, counts[me()],
                            type_of<T>, root, world_.comm, call);
    });
    for (size_t k = 0; k < counts[me()]; ++k) expect(mine[k], of(world_.rank, k));
    must_be(out.is_intact() && in.is_intact(), "scatterv wrote beyond its buffer");
  }

 private:
  size_t me() const { return static_cast<size_t>(world_.rank); }
  int pair(int from, int to) const { return from * world_.size + to; }

  static T of(int source, size_t i) {
    return static_cast<T>((static_cast<size_t>(source) * 3 + i) % 13);
  }
  static void fill(T* data, size_t count, int source) {
    for (size_t i = 0; i < count; ++i) data[i] = of(source, i);
  }
  static T* at(Guarded<T>& buffer, const Counts& counts, int rank) {
    return buffer.size() == 0 ? nullptr : buffer.data() + before(counts, rank);
  }

  template <class Call>
  void make(const char* what, Call&& call) {
    what_ = what;
    motet_request* request = nullptr;
    motet_plan* plan = nullptr;
    motet_call how{};
    how.size = sizeof how;
    how.algorithm = algorithm_;
    if (way_ == Way::request) how.request = &request;
    if (way_ == Way::plan) how.plan = &plan;
    const bool is_plain = way_ == Way::blocking && algorithm_ == nullptr;
    must(call(is_plain ? nullptr : &how));
    must(motet_wait(&request));
    if (plan != nullptr) must(motet_plan_run(plan));
    must(motet_plan_free(plan));
  }
  void expect(T is, T should_be) const {
    if (is == should_be) return;
    must_be(false, std::string(what_) + ": an element is " +
                       std::to_string(static_cast<double>(is)) + " instead of " +
                       std::to_string(static_cast<double>(should_be)));
  }

  World world_;
  Way way_;
  const char* algorithm_;
  const char* what_ = "";
};

Counts counts_of(const Pattern& pattern, size_t base, const World& world) {
  const auto n = static_cast<size_t>(world.size);
  Counts counts;
  for (size_t r = 0; r < n; ++r) counts.push_back(pattern.count(base, r, n));
  return counts;
}

template <class T>
void make_all(const World& world, const Pattern& pattern, size_t base, Way way) {
  UnevenCalls<T> calls(world, way);
  const Counts counts = counts_of(pattern, base, world);
  const auto n = static_cast<size_t>(world.size);
  for (const bool in_place : {false, true}) {
    calls.allgatherv(counts, in_place);
    calls.reduce_scatterv(counts, in_place);
    for (const int root : {0, world.size - 1}) {
      calls.gatherv(counts, root, in_place);
      calls.scatterv(counts, root, in_place);
    }
  }
  // Rows, columns, and a matrix in which hardly two entries are equal.
  calls.alltoallv([&](size_t from, size_t) { return pattern.count(base, from, n); });
  calls.alltoallv([&](size_t, size_t to) { return pattern.count(base, to, n); });
  calls.alltoallv([&](size_t from, size_t to) {
    return (from + 2 * to) % 3 == 0 ? 0 : pattern.count(base, (from * 3 + to) % n, n) + from;
  });
}

template <class T>
void make_small_and_medium(const World& world, std::initializer_list<size_t> bases) {
  for (const Pattern& pattern : patterns) {
    for (const size_t base : bases) {
      make_all<T>(world, pattern, base, base % 2 == 0 ? Way::request : Way::blocking);
      make_all<T>(world, pattern, base, Way::blocking);  // as planned before
      if (base < 100) make_all<T>(world, pattern, base, Way::plan);
    }
  }
}

void every_uneven_call(const World& world) {
  make_small_and_medium<float>(world, {1, 5, 4097, 30'001});
  make_small_and_medium<uint8_t>(world, {1, 300, 70'001});
}

// Parts beyond 1 MiB.
void large_uneven_calls(const World& world) {
  make_all<float>(world, named("ragged"), 400'007, Way::blocking);
  make_all<float>(world, named("the last alone"), 300'007, Way::request);
  make_all<uint8_t>(world, named("every other"), 1'300'007, Way::request);
}

void every_uneven_algorithm(const World& world) {
  for (const char* name : {"mesh", "circulant", "ring"}) {
    for (const Pattern& pattern : patterns) {
      for (const size_t base : {1, 4097, 60'001}) {
        UnevenCalls<float> calls(world, Way::blocking, name);
        calls.allgatherv(counts_of(pattern, base, world), true);
        calls.reduce_scatterv(counts_of(pattern, base, world), false);
        calls.reduce_scatterv(counts_of(pattern, base, world), true);
      }
    }
  }
  for (const char* name : {"mesh", "pairwise"}) {
    for (const size_t base : {0, 1, 4097, 60'001}) {
      UnevenCalls<float>(world, Way::blocking, name).alltoallv([&](size_t from, size_t to) {
        return (from + to) % 2 == 0 ? base * (from + 1) : base / (to + 1);
      });
    }
  }
}

size_t scattered(size_t number) {
  return (number + 1) * size_t{0x9e3779b97f4a7c15U} >> 40;
}

// As a mixture of experts has it: other counts in every call, far more than plans are kept.
void changing_counts(const World& world) {
  UnevenCalls<float> calls(world, Way::blocking);
  for (size_t step = 0; step < 3000; ++step) {
    calls.alltoallv([&](size_t from, size_t to) {
      return scattered(step * 1000 + from * 30 + to) % (step % 100 == 0 ? 9000 : 50);
    });
    if (step % 10 != 0) continue;
    Counts counts;
    for (size_t r = 0; r < static_cast<size_t>(world.size); ++r) {
      counts.push_back(scattered(step * 1000 + r) % 90);
    }
    calls.allgatherv(counts, false);
    calls.reduce_scatterv(counts, true);
  }
}

}  // namespace

const Scenarios& uneven_scenarios() {
  static const Scenarios all{{"every_uneven_call", every_uneven_call},
                             {"large_uneven_calls", large_uneven_calls},
                             {"every_uneven_algorithm", every_uneven_algorithm},
                             {"changing_counts", changing_counts}};
  return all;
}

}  // namespace motet::testing
