#include "call.hpp"

namespace motet_perf {
namespace {

motet_status receive(motet_comm* comm, const Call& call, const motet_call* how) {
  const int ranks = motet_comm_size(comm);
  const int before = (motet_comm_rank(comm) + ranks - 1) % ranks;
  return motet_recv(call.out, call.shape.count, call.type.type, before, comm, how);
}

motet_status send(motet_comm* comm, const Call& call, const motet_call* how) {
  const int after = (motet_comm_rank(comm) + 1) % motet_comm_size(comm);
  return motet_send(call.in, call.shape.count, call.type.type, after, comm, how);
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
    case Kind::barrier:
      return motet_barrier(comm, how);
    case Kind::sendrecv:
      break;  // is two
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

// `how` must outlive it.
motet_call options_of(const Call& call, const How& how) {
  motet_call options{};
  options.size = sizeof options;
  options.timeout_ms = how.timeout_ms;
  const bool planner_chooses = how.algorithm.empty() || call.shape.row.kind == Kind::sendrecv;
  options.algorithm = planner_chooses ? nullptr : how.algorithm.c_str();
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

std::vector<Repeated::Forward> Repeated::forwards(const Call& call) {
  if (call.shape.row.kind == Kind::sendrecv) return {receive, send};
  return {call.shape.row.uneven ? forward_uneven : forward_even};
}

Repeated::Repeated(const motet::Communicator& comm, std::span<const Call> calls, const How& how)
    : comm_(comm.handle()) {
  for (const Call& call : calls) {
    for (const Forward forward : forwards(call)) {
      pieces_.push_back({forward, &call, options_of(call, how), false});
      if (how.planned) bind(pieces_.back());
    }
    pieces_.back().wait_after = call.wait_after;
  }
}

Repeated::~Repeated() {
  for (Piece& piece : pieces_) (void)motet_wait(&piece.request);
}

void Repeated::bind(Piece& piece) const {
  motet_plan* plan = nullptr;
  motet_call options = piece.options;
  options.plan = &plan;
  motet::check(piece.forward(comm_, *piece.call, &options));
  piece.plan.reset(plan);
}

void Repeated::block_on(Piece& piece) const {
  motet::check(piece.plan != nullptr ? motet_plan_run(piece.plan.get())
                                     : piece.forward(comm_, *piece.call, &piece.options));
}

void Repeated::start(Piece& piece) const {
  if (piece.plan != nullptr)
    return motet::check(motet_plan_start(piece.plan.get(), &piece.request));
  motet_call options = piece.options;
  options.request = &piece.request;
  motet::check(piece.forward(comm_, *piece.call, &options));
}

void Repeated::run() {
  if (pieces_.size() == 1) return block_on(pieces_.front());
  auto under_way = pieces_.begin();
  const auto wait_until = [&](auto end) {
    for (; under_way != end; ++under_way) motet::check(motet_wait(&under_way->request));
  };
  for (auto piece = pieces_.begin(); piece != pieces_.end(); ++piece) {
    start(*piece);
    if (piece->wait_after) wait_until(piece + 1);
  }
  wait_until(pieces_.end());
}

void invoke(const motet::Communicator& comm, std::span<const Call> calls, const How& how) {
  How anew = how;
  anew.planned = false;
  Repeated(comm, calls, anew).run();
}

}  // namespace motet_perf
