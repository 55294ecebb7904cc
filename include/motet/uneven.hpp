// The v-forms of Communicator: every rank's part has a length of its own, which may be 0. Part of
// motet.hpp.
#pragma once

#include <motet/motet.h>
#include <motet/element.hpp>
#include <motet/request.hpp>

#include <cstddef>
#include <numeric>
#include <ranges>
#include <span>
#include <string>

namespace motet {
inline namespace api {

// One for each rank, in elements.
using Counts = std::span<const std::size_t>;

// Parts lie one after the other in rank order. Counts are needed until the function returns, also
// of those that start a request. As for the others, lengths that do not fit throw before anything
// happens; a message whose two ends count differently fails the communicator.
template <class Communicator>
class UnevenForms {
 public:
  // out holds in of every rank r, counts[r] elements. In place: `out` with this rank's part filled
  // in. All ranks give the same counts.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void allgatherv(const In& in, Out&& out, Counts counts, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return allgatherv_call(in, out, counts, call); });
  }
  template <WritableElements Out>
  void allgatherv(Out&& out, Counts counts, CallOptions options = {}) {
    allgatherv(part(out, counts, "allgatherv"), out, counts, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_allgatherv(const In& in, Out&& out, Counts counts,
                                         CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return allgatherv_call(in, out, counts, call); });
  }
  template <WritableElements Out>
  [[nodiscard]] Request start_allgatherv(Out&& out, Counts counts, CallOptions options = {}) {
    return start_allgatherv(part(out, counts, "allgatherv"), out, counts, options);
  }

  // out gets this rank's part of the combined in, counts[rank()] elements. All ranks give the same
  // counts.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void reduce_scatterv(const In& in, Out&& out, Counts counts, ReduceOp op = ReduceOp::sum,
                       CallOptions options = {}) {
    run(options,
        [&](const motet_call& call) { return reduce_scatterv_call(in, out, counts, op, call); });
  }
  // In place: the result is in this rank's part of `data`, the rest of it is lost.
  template <WritableElements Data>
  void reduce_scatterv(Data&& data, Counts counts, ReduceOp op = ReduceOp::sum,
                       CallOptions options = {}) {
    reduce_scatterv(data, part(data, counts, "reduce_scatterv"), counts, op, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_reduce_scatterv(const In& in, Out&& out, Counts counts,
                                              ReduceOp op = ReduceOp::sum,
                                              CallOptions options = {}) {
    return start(options, [&](const motet_call& call) {
      return reduce_scatterv_call(in, out, counts, op, call);
    });
  }
  template <WritableElements Data>
  [[nodiscard]] Request start_reduce_scatterv(Data&& data, Counts counts,
                                              ReduceOp op = ReduceOp::sum,
                                              CallOptions options = {}) {
    return start_reduce_scatterv(data, part(data, counts, "reduce_scatterv"), counts, op, options);
  }

  // send_counts[r] elements of in go to rank r, recv_counts[r] of out come from rank r. Each rank
  // gives its own. Not in place.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void alltoallv(const In& in, Counts send_counts, Out&& out, Counts recv_counts,
                 CallOptions options = {}) {
    run(options, [&](const motet_call& call) {
      return alltoallv_call(in, send_counts, out, recv_counts, call);
    });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_alltoallv(const In& in, Counts send_counts, Out&& out,
                                        Counts recv_counts, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) {
      return alltoallv_call(in, send_counts, out, recv_counts, call);
    });
  }

  // The root's out holds in of every rank r, counts[r] elements; elsewhere both may be empty.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void gatherv(const In& in, Out&& out, Counts counts, int root, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return gatherv_call(in, out, counts, root, call); });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_gatherv(const In& in, Out&& out, Counts counts, int root,
                                      CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return gatherv_call(in, out, counts, root, call); });
  }

  // counts[r] elements of the root's in reach out of rank r; elsewhere in and counts may be empty.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void scatterv(const In& in, Counts counts, Out&& out, int root, CallOptions options = {}) {
    run(options,
        [&](const motet_call& call) { return scatterv_call(in, counts, out, root, call); });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_scatterv(const In& in, Counts counts, Out&& out, int root,
                                       CallOptions options = {}) {
    return start(options, [&](const motet_call& call) {
      return scatterv_call(in, counts, out, root, call);
    });
  }

 private:
  template <class Range>
  static constexpr motet_type type = type_of<std::ranges::range_value_t<Range>>;

  const Communicator& self() const { return static_cast<const Communicator&>(*this); }
  motet_comm* comm() const { return self().handle(); }
  std::size_t me() const { return static_cast<std::size_t>(self().rank()); }

  template <class Call>
  void run(const CallOptions& options, Call&& call) {
    Communicator::run(options, call);
  }
  template <class Call>
  Request start(const CallOptions& options, Call&& call) {
    return Communicator::start(options, call);
  }

  void expect(bool fits, const std::string& what) const { self().expect(fits, what.c_str()); }

  // All parts' elements. There must be a count for every rank.
  std::size_t total(Counts counts, const std::string& name) const {
    expect(counts.size() == static_cast<std::size_t>(self().size()),
           name + ": there must be a count for every rank");
    return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  }

  // This rank's share of a buffer that holds one for each.
  template <class Range>
  auto part(Range& whole, Counts counts, const std::string& name) const {
    expect(std::ranges::size(whole) == total(counts, name),
           name + ": the length is not the sum of the counts");
    const auto before = counts.begin() + static_cast<std::ptrdiff_t>(me());
    return std::span(std::ranges::data(whole), std::ranges::size(whole))
        .subspan(std::accumulate(counts.begin(), before, std::size_t{0}), counts[me()]);
  }

  template <class In, class Out>
  motet_status allgatherv_call(const In& in, Out& out, Counts counts, const motet_call& call) {
    expect(std::ranges::size(out) == total(counts, "allgatherv") &&
               std::ranges::size(in) == counts[me()],
           "allgatherv: in and out must be as long as the counts say");
    return motet_allgatherv(std::ranges::data(in), std::ranges::data(out), counts.data(), type<In>,
                            comm(), &call);
  }

  template <class In, class Out>
  motet_status reduce_scatterv_call(const In& in, Out& out, Counts counts, ReduceOp op,
                                    const motet_call& call) {
    expect(std::ranges::size(in) == total(counts, "reduce_scatterv") &&
               std::ranges::size(out) == counts[me()],
           "reduce_scatterv: in and out must be as long as the counts say");
    return motet_reduce_scatterv(std::ranges::data(in), std::ranges::data(out), counts.data(),
                                 type<In>, static_cast<motet_op>(op), comm(), &call);
  }

  template <class In, class Out>
  motet_status alltoallv_call(const In& in, Counts send_counts, Out& out, Counts recv_counts,
                              const motet_call& call) {
    expect(std::ranges::size(in) == total(send_counts, "alltoallv") &&
               std::ranges::size(out) == total(recv_counts, "alltoallv"),
           "alltoallv: in and out must be as long as the counts say");
    return motet_alltoallv(std::ranges::data(in), send_counts.data(), std::ranges::data(out),
                           recv_counts.data(), type<In>, comm(), &call);
  }

  template <class In, class Out>
  motet_status gatherv_call(const In& in, Out& out, Counts counts, int root,
                            const motet_call& call) {
    expect(self().rank() != root || std::ranges::size(out) == total(counts, "gatherv"),
           "gatherv: the root's out must be as long as its counts say");
    return motet_gatherv(std::ranges::data(in), std::ranges::size(in), std::ranges::data(out),
                         counts.data(), type<In>, root, comm(), &call);
  }

  template <class In, class Out>
  motet_status scatterv_call(const In& in, Counts counts, Out& out, int root,
                             const motet_call& call) {
    expect(self().rank() != root || std::ranges::size(in) == total(counts, "scatterv"),
           "scatterv: the root's in must be as long as its counts say");
    return motet_scatterv(std::ranges::data(in), counts.data(), std::ranges::data(out),
                          std::ranges::size(out), type<In>, root, comm(), &call);
  }
};

}  // namespace api
}  // namespace motet
