#include "call.hpp"

namespace motet_perf {
namespace {

struct Neighbours {
  int before, after;
};

Neighbours neighbours(const motet_comm* comm) {
  const int ranks = motet_comm_size(comm), me = motet_comm_rank(comm);
  return {(me + ranks - 1) % ranks, (me + 1) % ranks};
}

motet_status send_and_recv(motet_comm* comm, const Call& call, motet_call how) {
  const auto [before, after] = neighbours(comm);
  const std::size_t count = call.shape.count;
  motet_request* receiving = nullptr;
  motet_request* sending = nullptr;
  how.algorithm = nullptr;
  how.request = &receiving;
  motet::check(motet_recv(call.out, count, call.type.type, before, comm, &how));
  how.request = &sending;
  const motet_status sent = motet_send(call.in, count, call.type.type, after, comm, &how);
  const motet_status sending_done = sent == motet_ok ? motet_wait(&sending) : sent;
  const motet_status receiving_done = motet_wait(&receiving);
  return sending_done != motet_ok ? sending_done : receiving_done;
}

motet_status forward_even(motet_comm* comm, const Call& call, const motet_call* how) {
  const std::size_t count = call.shape.count;
  const motet_type type = call.type.type;
  const motet_op op = call.op.op;
  const int root = call.shape.root;
  switch (call.shape.row.kind) {
    case Kind::allreduce:
      return motet_allreduce(call.in, call.out, count, type, op, comm, how);
    case Kind::allgather:
      return motet_allgather(call.in, call.out, count, type, comm, how);
    case Kind::reduce_scatter:
      return motet_reduce_scatter(call.in, call.out, count, type, op, comm, how);
    case Kind::broadcast:
      return motet_broadcast(call.in, call.out, count, type, root, comm, how);
    case Kind::reduce:
      return motet_reduce(call.in, call.out, count, type, op, root, comm, how);
    case Kind::alltoall:
      return motet_alltoall(call.in, call.out, count, type, comm, how);
    case Kind::gather:
      return motet_gather(call.in, call.out, count, type, root, comm, how);
    case Kind::scatter:
      return motet_scatter(call.in, call.out, count, type, root, comm, how);
    case Kind::sendrecv:
      return send_and_recv(comm, call, *how);
    case Kind::barrier:
      return motet_barrier(comm, how);
  }
  return motet_invalid_argument;
}

motet_status forward_uneven(motet_comm* comm, const Call& call, const motet_call* how) {
  const std::size_t* const counts = call.counts.data();
  const std::size_t mine = call.counts[static_cast<std::size_t>(motet_comm_rank(comm))];
  const motet_type type = call.type.type;
  const int root = call.shape.root;
  switch (call.shape.row.kind) {
    case Kind::allgather:
      return motet_allgatherv(call.in, call.out, counts, type, comm, how);
    case Kind::reduce_scatter:
      return motet_reduce_scatterv(call.in, call.out, counts, type, call.op.op, comm, how);
    case Kind::alltoall:
      return motet_alltoallv(call.in, counts, call.out, call.received.data(), type, comm, how);
    case Kind::gather:
      return motet_gatherv(call.in, mine, call.out, counts, type, root, comm, how);
    case Kind::scatter:
      return motet_scatterv(call.in, counts, call.out, mine, type, root, comm, how);
    default:
      return motet_invalid_argument;
  }
}

motet_status forward(motet_comm* comm, const Call& call, const motet_call* how) {
  return call.shape.row.uneven ? forward_uneven(comm, call, how) : forward_even(comm, call, how);
}

// `how` must outlive it.
motet_call options_of(const Call& call, const How& how) {
  motet_call options{};
  options.size = sizeof options;
  options.timeout_ms = how.timeout_ms;
  options.algorithm = how.algorithm.empty() ? nullptr : how.algorithm.c_str();
  const bool multiplies = call.shape.row.reduces && call.op.op == motet_premul_sum;
  options.scale = multiplies ? premultiplied_by : 0;
  return options;
}

}  // namespace

Call call_of(const Shape& shape, const TypeRow& type, const OpRow& op, int rank) {
  Call call{shape, type, op, nullptr, nullptr};
  if (!shape.row.uneven) return call;
  call.counts = part_counts(shape);
  if (shape.row.kind == Kind::alltoall) {
    call.received.assign(call.counts.size(), part_count(shape, rank));
  }
  return call;
}

motet_prediction expect(const motet::Communicator& comm, const Call& call, const How& how) {
  if (call.shape.row.kind == Kind::sendrecv) return {};
  const motet_call options = options_of(call, how);
  return comm.predict(call.shape.row.collective, call.shape.count, call.type.type, call.shape.root,
                      &options);
}

void invoke(const motet::Communicator& comm, const Call& call, const How& how) {
  const motet_call options = options_of(call, how);
  motet::check(forward(comm.handle(), call, &options));
}

Repeated::Repeated(const motet::Communicator& comm, const Call& call, const How& how)
    : comm_(comm), call_(call), how_(how) {
  if (!how.planned) return;
  motet_call options = options_of(call, how);
  const auto bind = [&](const auto& make) {
    plans_.emplace_back([&](const motet::CallOptions& bound) {
      options.plan = bound.plan;
      motet::check(make());
    });
  };
  if (call.shape.row.kind != Kind::sendrecv) {
    bind([&] { return forward(comm.handle(), call, &options); });
    return;
  }
  const Neighbours next_to = neighbours(comm.handle());
  options.algorithm = nullptr;
  const std::size_t count = call.shape.count;
  bind([&] {
    return motet_recv(call.out, count, call.type.type, next_to.before, comm.handle(), &options);
  });
  bind([&] {
    return motet_send(call.in, count, call.type.type, next_to.after, comm.handle(), &options);
  });
}

void Repeated::run() {
  if (plans_.empty()) return invoke(comm_, call_, how_);
  if (plans_.size() == 1) return plans_.front().run();
  motet::Request receiving = plans_.front().start();
  plans_.back().run();
  receiving.wait();
}

}  // namespace motet_perf
