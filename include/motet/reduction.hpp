// Reductions of your own over motet.hpp, of structs too:
//
//   struct Best { float value; int index; };
//   const auto best = motet::reduction<Best>([](const Best& a, const Best& b) {
//     return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
//   });
//   motet::allreduce(world, mine, winners, best);  // contiguous ranges of Best
#pragma once

#include <motet/motet.h>
#include <motet/motet.hpp>

#include <concepts>
#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>

namespace motet {
inline namespace api {

// Whether a op b is b op a, which lets more algorithms serve. Where it is not, operands are
// combined in the order of the ranks.
enum class Commutes : bool { no, yes };

// Holds a function T(const T&, const T&), for which it must not matter how operands are grouped. It
// is called inside calls of Motet, which it must not make itself, and must not throw. Outlives all
// calls with it, and their plans.
template <class T, class Combine>
class Reduction {
 public:
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 1024 && alignof(T) <= 16);

  explicit Reduction(Combine combine, Commutes commutes = Commutes::yes)
      : combine_(std::move(combine)) {
    reduction_.size = sizeof reduction_;
    reduction_.combine = call;
    reduction_.user = &combine_;
    reduction_.commutative = commutes == Commutes::yes ? 1 : 0;
    reduction_.element_bytes = sizeof(T);
  }
  Reduction(const Reduction&) = delete;

  // For motet_call, with motet_user; of the type motet_uint8.
  const motet_reduction* get() const noexcept { return &reduction_; }

 private:
  static void call(void* out, const void* a, const void* b, std::size_t count, motet_type,
                   void* user) noexcept {
    const Combine& combine = *static_cast<const Combine*>(user);
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<T*>(out)[i] = combine(static_cast<const T*>(a)[i], static_cast<const T*>(b)[i]);
    }
  }

  Combine combine_;
  motet_reduction reduction_{};
};

template <class T, class Combine>
[[nodiscard]] Reduction<T, Combine> reduction(Combine combine, Commutes commutes = Commutes::yes) {
  return Reduction<T, Combine>(std::move(combine), commutes);
}

template <class Range, class T>
concept RangeOf = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
    std::same_as<std::ranges::range_value_t<Range>, T>;

namespace detail {
inline void expect(bool fits, const char* what) {
  if (!fits) throw Error(motet_invalid_argument, what);
}

template <class T, class Combine>
motet_call call_with(const Reduction<T, Combine>& op, const CallOptions& options) noexcept {
  motet_call call = call_with(options);
  call.reduction = op.get();
  return call;
}
}  // namespace detail

// As the members of Communicator of the same names.
template <class T, class Combine, RangeOf<T> In, RangeOf<T> Out>
void allreduce(Communicator& comm, const In& in, Out&& out, const Reduction<T, Combine>& op,
               CallOptions options = {}) {
  detail::expect(std::ranges::size(in) == std::ranges::size(out),
                 "allreduce: in and out differ in length");
  const motet_call call = detail::call_with(op, options);
  check(motet_allreduce(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                        motet_uint8, motet_user, comm.handle(), &call));
}

template <class T, class Combine, RangeOf<T> In, RangeOf<T> Out>
void reduce(Communicator& comm, const In& in, Out&& out, int root, const Reduction<T, Combine>& op,
            CallOptions options = {}) {
  detail::expect(comm.rank() != root || std::ranges::size(in) == std::ranges::size(out),
                 "reduce: in and out differ in length at the root");
  const motet_call call = detail::call_with(op, options);
  check(motet_reduce(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                     motet_uint8, motet_user, root, comm.handle(), &call));
}

template <class T, class Combine, RangeOf<T> In, RangeOf<T> Out>
void reduce_scatter(Communicator& comm, const In& in, Out&& out, const Reduction<T, Combine>& op,
                    CallOptions options = {}) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  detail::expect(std::ranges::size(in) == std::ranges::size(out) * ranks,
                 "reduce_scatter: in must be as long as out of all ranks");
  const motet_call call = detail::call_with(op, options);
  check(motet_reduce_scatter(std::ranges::data(in), std::ranges::data(out), std::ranges::size(out),
                             motet_uint8, motet_user, comm.handle(), &call));
}

}  // namespace api
}  // namespace motet
