// Motet for C++20: owners, spans and exceptions over motet.h. Header-only, so that the shared
// library's interface stays C.
//
//   motet::Communicator world = motet::Communicator::from_environment();
//   world.allreduce(gradients);                            // in place, summed
//   world.allreduce(losses, worst, motet::ReduceOp::max);  // any contiguous ranges of elements
//   motet::Request request = world.start_allgather(mine, all);  // returns at once
//   request.wait();
//
// Every function throws Error with the library's text. Which thread may call what is said in
// motet.h.
#pragma once

#include <motet/motet.h>
#include <motet/element.hpp>
#include <motet/request.hpp>
#include <motet/uneven.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <utility>

namespace motet {
inline namespace api {

// Owns a motet_comm. A moved-from communicator may only be destroyed or assigned to.
//
// Collectives: every rank calls the same ones in the same order. `name` blocks until the call is
// done, `start_name` returns a Request. Forms without `out` work in place. Lengths that do not fit
// throw Error{motet_invalid_argument} before anything happens. Root forms: what is needed at the
// root alone may be empty elsewhere. The v-forms are in uneven.hpp.
class Communicator : public UnevenForms<Communicator> {
 public:
  // RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, or what mpirun and srun set.
  static Communicator from_environment() { return create(nullptr); }

  // Ranks that hold the same `id` (unique_id() of rank 0's process, carried by you) meet.
  static Communicator from_unique_id(const motet_unique_id& id, int rank, int world_size) {
    motet_config config{};
    config.size = sizeof config;
    config.rank = rank;
    config.world_size = world_size;
    config.id = &id;
    return create(&config);
  }

  // Not inside a Group: throws Error{motet_invalid_argument}.
  static Communicator create(const motet_config* config) {
    if (Group::open > 0) {
      throw Error(motet_invalid_argument, "inside a Group use motet_comm_create");
    }
    motet_comm* comm = nullptr;
    check(motet_comm_create(config, &comm));
    return Communicator(comm);
  }

  // Takes ownership, for instance of what motet_comm_create_mpi gave.
  explicit Communicator(motet_comm* comm) noexcept : comm_(comm) {}
  Communicator(Communicator&& other) noexcept : comm_(std::exchange(other.comm_, nullptr)) {}
  Communicator& operator=(Communicator&& other) noexcept {
    std::swap(comm_, other.comm_);
    return *this;
  }
  ~Communicator() { (void)motet_comm_destroy(comm_); }

  int rank() const noexcept { return motet_comm_rank(comm_); }
  int size() const noexcept { return motet_comm_size(comm_); }
  int node(int rank) const noexcept { return motet_comm_node(comm_, rank); }
  int node_count() const noexcept { return motet_comm_node_count(comm_); }
  int local_rank(int rank) const noexcept { return motet_comm_local_rank(comm_, rank); }
  const char* transport(int rank) const noexcept { return motet_comm_transport(comm_, rank); }
  const char* last_algorithm() const noexcept { return motet_last_algorithm(comm_); }
  motet_comm* handle() const noexcept { return comm_; }
  // False for a moved-from communicator and for a rank that split() left out.
  explicit operator bool() const noexcept { return comm_ != nullptr; }

  // Collective: ranks of equal colour >= 0 meet, ordered by key, then by rank. A negative colour
  // joins none.
  [[nodiscard]] Communicator split(int color, int key = 0) {
    motet_comm* part = nullptr;
    check(motet_comm_split(comm_, color, key, &part));
    return Communicator(part);
  }

  // From any thread: pending and later calls fail on every rank, with `reason` in their text.
  void abort(const std::string& reason) { check(motet_comm_abort(comm_, reason.c_str())); }

  // Moves what can be moved, never blocks.
  void progress() { check(motet_progress(comm_)); }

  // What to expect of a call: see motet_predict.
  motet_prediction predict(motet_collective collective, std::size_t count, motet_type of,
                           int root = 0, const motet_call* call = nullptr) const {
    motet_prediction prediction{};
    prediction.size = sizeof prediction;
    check(motet_predict(comm_, collective, count, of, root, call, &prediction));
    return prediction;
  }

  // Why the planner chooses what for `count` float32: a table for people.
  std::string explain(motet_collective collective, std::size_t count) const {
    std::size_t length = 0;
    check(motet_explain(comm_, collective, count, nullptr, 0, &length));
    std::string text(length + 1, '\0');
    check(motet_explain(comm_, collective, count, text.data(), text.size(), nullptr));
    text.resize(length);
    return text;
  }

  // out[i] = in[i] of all ranks, combined.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void allreduce(const In& in, Out&& out, ReduceOp op = ReduceOp::sum, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return allreduce_call(in, out, op, call); });
  }
  template <WritableElements Data>
  void allreduce(Data&& data, ReduceOp op = ReduceOp::sum, CallOptions options = {}) {
    allreduce(data, data, op, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_allreduce(const In& in, Out&& out, ReduceOp op = ReduceOp::sum,
                                        CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return allreduce_call(in, out, op, call); });
  }
  template <WritableElements Data>
  [[nodiscard]] Request start_allreduce(Data&& data, ReduceOp op = ReduceOp::sum,
                                        CallOptions options = {}) {
    return start_allreduce(data, data, op, options);
  }

  // As allreduce, at the root alone.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void reduce(const In& in, Out&& out, int root, ReduceOp op = ReduceOp::sum,
              CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return reduce_call(in, out, root, op, call); });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_reduce(const In& in, Out&& out, int root, ReduceOp op = ReduceOp::sum,
                                     CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return reduce_call(in, out, root, op, call); });
  }

  // The root's data reaches everybody's.
  template <WritableElements Data>
  void broadcast(Data&& data, int root, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return broadcast_call(data, root, call); });
  }
  template <WritableElements Data>
  [[nodiscard]] Request start_broadcast(Data&& data, int root, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return broadcast_call(data, root, call); });
  }

  // out holds in of every rank, in rank order. In place: `out` with this rank's part filled in.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void allgather(const In& in, Out&& out, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return allgather_call(in, out, call); });
  }
  template <WritableElements Out>
  void allgather(Out&& out, CallOptions options = {}) {
    allgather(part(out, "allgather"), out, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_allgather(const In& in, Out&& out, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return allgather_call(in, out, call); });
  }
  template <WritableElements Out>
  [[nodiscard]] Request start_allgather(Out&& out, CallOptions options = {}) {
    return start_allgather(part(out, "allgather"), out, options);
  }

  // out gets this rank's part of the combined in.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void reduce_scatter(const In& in, Out&& out, ReduceOp op = ReduceOp::sum,
                      CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return reduce_scatter_call(in, out, op, call); });
  }
  // In place: the result is in this rank's part of `data`, the rest of it is lost.
  template <WritableElements Data>
  void reduce_scatter(Data&& data, ReduceOp op = ReduceOp::sum, CallOptions options = {}) {
    reduce_scatter(data, part(data, "reduce_scatter"), op, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_reduce_scatter(const In& in, Out&& out, ReduceOp op = ReduceOp::sum,
                                             CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return reduce_scatter_call(in, out, op, call); });
  }
  template <WritableElements Data>
  [[nodiscard]] Request start_reduce_scatter(Data&& data, ReduceOp op = ReduceOp::sum,
                                             CallOptions options = {}) {
    return start_reduce_scatter(data, part(data, "reduce_scatter"), op, options);
  }

  // Part r of in goes to rank r, part r of out comes from rank r.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void alltoall(const In& in, Out&& out, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return alltoall_call(in, out, call); });
  }
  template <WritableElements Data>
  void alltoall(Data&& data, CallOptions options = {}) {
    alltoall(data, data, options);
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_alltoall(const In& in, Out&& out, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return alltoall_call(in, out, call); });
  }
  template <WritableElements Data>
  [[nodiscard]] Request start_alltoall(Data&& data, CallOptions options = {}) {
    return start_alltoall(data, data, options);
  }

  // The root's out holds in of every rank, in rank order.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void gather(const In& in, Out&& out, int root, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return gather_call(in, out, root, call); });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_gather(const In& in, Out&& out, int root, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return gather_call(in, out, root, call); });
  }

  // Part r of the root's in reaches out of rank r.
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  void scatter(const In& in, Out&& out, int root, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return scatter_call(in, out, root, call); });
  }
  template <Elements In, WritableElements Out>
  requires SameElements<In, Out>
  [[nodiscard]] Request start_scatter(const In& in, Out&& out, int root, CallOptions options = {}) {
    return start(options,
                 [&](const motet_call& call) { return scatter_call(in, out, root, call); });
  }

  // Returns when all ranks have entered.
  void barrier(CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return motet_barrier(comm_, &call); });
  }
  [[nodiscard]] Request start_barrier(CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return motet_barrier(comm_, &call); });
  }

  // Whether the message that the next recv from `peer` will get has begun to come. Never blocks.
  [[nodiscard]] bool probe(int peer) {
    int arrived = 0;
    check(motet_probe(comm_, peer, &arrived));
    return arrived != 0;
  }

  // The k-th send to a rank meets its k-th recv from here; lengths must be equal.
  template <Elements In>
  void send(const In& in, int peer, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return send_call(in, peer, call); });
  }
  template <Elements In>
  [[nodiscard]] Request start_send(const In& in, int peer, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return send_call(in, peer, call); });
  }
  template <WritableElements Out>
  void recv(Out&& out, int peer, CallOptions options = {}) {
    run(options, [&](const motet_call& call) { return recv_call(out, peer, call); });
  }
  template <WritableElements Out>
  [[nodiscard]] Request start_recv(Out&& out, int peer, CallOptions options = {}) {
    return start(options, [&](const motet_call& call) { return recv_call(out, peer, call); });
  }

 private:
  friend class UnevenForms<Communicator>;

  template <class Range>
  static constexpr motet_type type = type_of<std::ranges::range_value_t<Range>>;

  template <class Call>
  static void run(const CallOptions& options, Call&& call) {
    check(call(detail::call_with(options)));
  }

  template <class Call>
  static Request start(const CallOptions& options, Call&& call) {
    Request request;
    request.request_ = std::make_unique<motet_request*>();
    motet_call how = detail::call_with(options);
    how.request = request.request_.get();
    check(call(how));
    return request;
  }

  void expect(bool fits, const char* what) const {
    if (fits) return;
    throw Error(motet_invalid_argument, "rank " + std::to_string(rank()) + ": " + what);
  }

  // This rank's share of a buffer that holds one for each.
  template <class Range>
  auto part(Range& whole, const std::string& name) const {
    const std::size_t ranks = static_cast<std::size_t>(size());
    expect(std::ranges::size(whole) % ranks == 0,
           (name + ": the length is no multiple of the number of ranks").c_str());
    const std::size_t count = std::ranges::size(whole) / ranks;
    return std::span(std::ranges::data(whole), std::ranges::size(whole))
        .subspan(static_cast<std::size_t>(rank()) * count, count);
  }

  bool holds_all(std::size_t whole, std::size_t part) const noexcept {
    return whole == part * static_cast<std::size_t>(size());
  }

  template <class In, class Out>
  motet_status allreduce_call(const In& in, Out& out, ReduceOp op, const motet_call& call) {
    expect(std::ranges::size(in) == std::ranges::size(out),
           "allreduce: in and out differ in length");
    return motet_allreduce(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                           type<In>, static_cast<motet_op>(op), comm_, &call);
  }

  template <class In, class Out>
  motet_status reduce_call(const In& in, Out& out, int root, ReduceOp op, const motet_call& call) {
    expect(rank() != root || std::ranges::size(in) == std::ranges::size(out),
           "reduce: in and out differ in length at the root");
    return motet_reduce(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                        type<In>, static_cast<motet_op>(op), root, comm_, &call);
  }

  template <class Data>
  motet_status broadcast_call(Data& data, int root, const motet_call& call) {
    return motet_broadcast(std::ranges::data(data), std::ranges::data(data),
                           std::ranges::size(data), type<Data>, root, comm_, &call);
  }

  template <class In, class Out>
  motet_status allgather_call(const In& in, Out& out, const motet_call& call) {
    expect(holds_all(std::ranges::size(out), std::ranges::size(in)),
           "allgather: out must be as long as in of all ranks");
    return motet_allgather(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                           type<In>, comm_, &call);
  }

  template <class In, class Out>
  motet_status reduce_scatter_call(const In& in, Out& out, ReduceOp op, const motet_call& call) {
    expect(holds_all(std::ranges::size(in), std::ranges::size(out)),
           "reduce_scatter: in must be as long as out of all ranks");
    return motet_reduce_scatter(std::ranges::data(in), std::ranges::data(out),
                                std::ranges::size(out), type<In>, static_cast<motet_op>(op), comm_,
                                &call);
  }

  template <class In, class Out>
  motet_status alltoall_call(const In& in, Out& out, const motet_call& call) {
    const std::size_t length = std::ranges::size(in);
    const std::size_t ranks = static_cast<std::size_t>(size());
    expect(length == std::ranges::size(out) && length % ranks == 0,
           "alltoall: in and out must be equally long, a multiple of the number of ranks");
    return motet_alltoall(std::ranges::data(in), std::ranges::data(out), length / ranks, type<In>,
                          comm_, &call);
  }

  template <class In, class Out>
  motet_status gather_call(const In& in, Out& out, int root, const motet_call& call) {
    expect(rank() != root || holds_all(std::ranges::size(out), std::ranges::size(in)),
           "gather: the root's out must be as long as in of all ranks");
    return motet_gather(std::ranges::data(in), std::ranges::data(out), std::ranges::size(in),
                        type<In>, root, comm_, &call);
  }

  template <class In, class Out>
  motet_status scatter_call(const In& in, Out& out, int root, const motet_call& call) {
    expect(rank() != root || holds_all(std::ranges::size(in), std::ranges::size(out)),
           "scatter: the root's in must be as long as out of all ranks");
    return motet_scatter(std::ranges::data(in), std::ranges::data(out), std::ranges::size(out),
                         type<In>, root, comm_, &call);
  }

  template <class In>
  motet_status send_call(const In& in, int peer, const motet_call& call) {
    return motet_send(std::ranges::data(in), std::ranges::size(in), type<In>, peer, comm_, &call);
  }

  template <class Out>
  motet_status recv_call(Out& out, int peer, const motet_call& call) {
    return motet_recv(std::ranges::data(out), std::ranges::size(out), type<Out>, peer, comm_,
                      &call);
  }

  motet_comm* comm_ = nullptr;
};

// Called in the process of rank 0, which then serves the ranks' meeting. Whoever holds the id can
// join: keep it secret.
[[nodiscard]] inline motet_unique_id unique_id() {
  motet_unique_id id{};
  check(motet_unique_id_create(&id));
  return id;
}

}  // namespace api
}  // namespace motet
