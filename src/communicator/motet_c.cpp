// The C interface: a thin translation. Nothing is decided here.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>

#include "algorithms/list.hpp"
#include "base/log.hpp"
#include "communicator/c_boundary.hpp"
#include "communicator/call_group.hpp"
#include "communicator/communicator.hpp"
#include "motet/motet.h"

namespace {

using motet::Arguments;
using motet::Collective;
using motet::DataType;
using motet::Error;
using motet::from;
using motet::guarded;
using motet::read_struct;
using motet::ReduceOp;
using motet::refuse;
using motet::require;

// Null where the caller leaves it to the planner.
const motet::Algorithm* named_in(const motet_call& call, Collective collective) {
  if (call.algorithm == nullptr) return nullptr;
  const motet::Algorithm* algorithm = motet::find_algorithm(collective, call.algorithm);
  if (algorithm != nullptr) return algorithm;
  refuse(fmt::format("{}: there is no algorithm \"{}\"", name(collective), call.algorithm));
}

motet::UserReduction reduction_from(const motet_reduction& given, DataType type) {
  const auto reduction = read_struct(&given, "motet_reduction");
  if (reduction.combine == nullptr) refuse("motet_reduction: combine is NULL");
  const auto call = [](const motet::UserReduction& r, void* out, const void* a, const void* b,
                       size_t count) {
    const auto combine = reinterpret_cast<decltype(motet_reduction::combine)>(r.function);
    combine(out, a, b, count, static_cast<motet_type>(r.type), r.user);
  };
  const size_t usual = motet_element_bytes(static_cast<motet_type>(type));
  return {.call = call,
          .function = reinterpret_cast<void (*)()>(reduction.combine),
          .user = reduction.user,
          .type = type,
          .element_bytes = reduction.element_bytes == 0 ? usual : reduction.element_bytes};
}

// given: what `call` has been read from, or null.
motet::OpDetails details_in(const motet_call& call, const motet_call* given,
                            const Arguments& arguments) {
  // 0 is a scale too, but for callers who do not know of it yet.
  const bool knows_scale =
      given != nullptr && given->size >= offsetof(motet_call, scale) + sizeof call.scale;
  motet::OpDetails details;
  if (call.scale != 0 || (knows_scale && arguments.op == ReduceOp::premul_sum)) {
    details.scale = call.scale;
  }
  if (call.reduction == nullptr) return details;
  details.reduction = reduction_from(*call.reduction, arguments.type);
  details.commutative = read_struct(call.reduction, "motet_reduction").commutative != 0;
  return details;
}

motet::OnDone on_done_of(const motet_call& call) {
  if (call.on_done == nullptr) return {};
  return [on_done = call.on_done, user = call.user](const Error* error) {
    if (error == nullptr) return on_done(motet_ok, "", user);
    on_done(static_cast<motet_status>(error->code()), error->what(), user);
  };
}

// Puts the request where the caller wants it.
using GiveRequest = std::function<void(std::unique_ptr<motet::Request>)>;
GiveRequest giver_of(motet_request** request) {
  if (request == nullptr) return {};
  return [request](std::unique_ptr<motet::Request> made) {
    motet::Request* const started = made.get();
    *request = made == nullptr ? nullptr : new motet_request{std::move(made), started};
  };
}

[[gnu::noinline]] void run_with(const motet_call* given, const Arguments& words,
                                motet::Communicator& communicator) {
  const auto call = read_struct(given, "motet_call");
  Arguments arguments = words;
  arguments.algorithm = named_in(call, arguments.collective);
  arguments.timeout_ms = call.timeout_ms;
  arguments.interruption = {call.interrupted, call.user};
  arguments.determinism = static_cast<motet::Determinism>(call.determinism != 0);
  const motet::OpDetails details = details_in(call, given, arguments);
  arguments.details = &details;
  check_details(arguments);
  motet::OnDone on_done = on_done_of(call);
  if (call.plan != nullptr && (call.request != nullptr || on_done)) {
    refuse(
        "motet_call: a call is either started, with `request` or `on_done`, or bound, with `plan`");
  }
  GiveRequest give_request = giver_of(call.request);
  if (call.plan != nullptr) {
    *call.plan = motet::bind(communicator, arguments);
  } else if (motet::CallGroup* group = motet::CallGroup::open()) {
    communicator.expect_to_start(arguments);
    group->add({&communicator,
                motet::KeptArguments(arguments, communicator.rank(), communicator.world_size()),
                std::move(on_done), std::move(give_request)});
  } else if (give_request) {
    give_request(communicator.start(arguments, std::move(on_done)));
  } else if (on_done) {
    communicator.start_unattended(arguments, std::move(on_done));
  } else {
    arguments.is_uneven() ? communicator.run_uneven(arguments) : communicator.run(arguments);
  }
}

[[gnu::always_inline]] inline motet_status run(const Arguments& arguments, motet_comm* comm,
                                               const motet_call* call) {
  return guarded([&] {
    require(comm, "the communicator");
    motet::Communicator& communicator = *comm->communicator;
    if (call == nullptr && !motet::CallGroup::any_open()) [[likely]]
      return communicator.run(arguments);
    run_with(call, arguments, communicator);
  });
}

bool has_rank(const motet_comm* comm, int rank) {
  return comm != nullptr && rank >= 0 && rank < comm->communicator->world_size();
}

}  // namespace

motet_status motet::run_uneven(const Arguments& arguments, motet_comm* comm,
                               const motet_call* call) {
  return guarded([&] {
    require(comm, "the communicator");
    Communicator& communicator = *comm->communicator;
    if (call == nullptr && !CallGroup::any_open()) return communicator.run_uneven(arguments);
    run_with(call, arguments, communicator);
  });
}

extern "C" {

motet_status motet_comm_split(motet_comm* comm, int color, int key, motet_comm** out) {
  return guarded([&] {
    motet::CallGroup::refuse_inside("motet_comm_split");
    require(comm, "the communicator");
    require(out, "where to put the new communicator");
    *out = nullptr;
    auto part = comm->communicator->split(color, key);
    if (part != nullptr) *out = new motet_comm{std::move(part)};
  });
}

motet_status motet_comm_destroy(motet_comm* comm) {
  return guarded([&] {
    motet::CallGroup::refuse_inside("motet_comm_destroy");
    delete comm;
  });
}

motet_status motet_comm_abort(motet_comm* comm, const char* reason) {
  return guarded([&] {
    require(comm, "the communicator");
    comm->communicator->abort(reason == nullptr ? "" : reason);
  });
}

motet_status motet_comm_error(motet_comm* comm) {
  return guarded([&] {
    require(comm, "the communicator");
    comm->communicator->check_failure();
  });
}

int motet_comm_rank(const motet_comm* comm) {
  return comm == nullptr ? -1 : comm->communicator->rank();
}
int motet_comm_size(const motet_comm* comm) {
  return comm == nullptr ? -1 : comm->communicator->world_size();
}
int motet_comm_node(const motet_comm* comm, int rank) {
  return has_rank(comm, rank) ? comm->communicator->topology().node_of(rank) : -1;
}
int motet_comm_node_count(const motet_comm* comm) {
  return comm == nullptr ? -1 : comm->communicator->topology().node_count();
}
int motet_comm_local_rank(const motet_comm* comm, int rank) {
  return has_rank(comm, rank) ? comm->communicator->topology().local_rank(rank) : -1;
}
const char* motet_comm_transport(const motet_comm* comm, int rank) {
  if (!has_rank(comm, rank)) return nullptr;
  return comm->communicator->transport_to(rank).data();  // of a string or a literal: ends with 0
}

motet_status motet_allreduce(const void* in, void* out, size_t count, motet_type type, motet_op op,
                             motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::allreduce,
              .type = from<DataType>(type),
              .op = from<ReduceOp>(op),
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_reduce(const void* in, void* out, size_t count, motet_type type, motet_op op,
                          int root, motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::reduce,
              .type = from<DataType>(type),
              .op = from<ReduceOp>(op),
              .root = root,
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_broadcast(const void* in, void* out, size_t count, motet_type type, int root,
                             motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::broadcast,
              .type = from<DataType>(type),
              .root = root,
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_allgather(const void* in, void* out, size_t count, motet_type type,
                             motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::allgather,
              .type = from<DataType>(type),
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_reduce_scatter(const void* in, void* out, size_t count, motet_type type,
                                  motet_op op, motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::reduce_scatter,
              .type = from<DataType>(type),
              .op = from<ReduceOp>(op),
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_alltoall(const void* in, void* out, size_t count, motet_type type,
                            motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::alltoall,
              .type = from<DataType>(type),
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_gather(const void* in, void* out, size_t count, motet_type type, int root,
                          motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::gather,
              .type = from<DataType>(type),
              .root = root,
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_scatter(const void* in, void* out, size_t count, motet_type type, int root,
                           motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::scatter,
              .type = from<DataType>(type),
              .root = root,
              .input = in,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_barrier(motet_comm* comm, const motet_call* call) {
  return run({.collective = Collective::barrier, .type = DataType::uint8}, comm, call);
}

motet_status motet_send(const void* in, size_t count, motet_type type, int peer, motet_comm* comm,
                        const motet_call* call) {
  return run({.collective = Collective::send,
              .type = from<DataType>(type),
              .root = peer,
              .input = in,
              .count = count},
             comm, call);
}

motet_status motet_recv(void* out, size_t count, motet_type type, int peer, motet_comm* comm,
                        const motet_call* call) {
  return run({.collective = Collective::recv,
              .type = from<DataType>(type),
              .root = peer,
              .output = out,
              .count = count},
             comm, call);
}

motet_status motet_probe(motet_comm* comm, int peer, int* arrived) {
  return guarded([&] {
    require(comm, "the communicator");
    require(arrived, "arrived");
    *arrived = static_cast<int>(comm->communicator->has_arrived(peer));
  });
}

motet_status motet_progress(motet_comm* comm) {
  return guarded([&] {
    require(comm, "the communicator");
    comm->communicator->progress();
  });
}

motet_status motet_mem_alloc(motet_comm* comm, size_t bytes, void** memory) {
  return guarded([&] {
    require(comm, "the communicator");
    require(memory, "where to put the memory");
    *memory = nullptr;
    if (bytes > 0) *memory = comm->communicator->allocate_memory(bytes);
  });
}

motet_status motet_mem_free(motet_comm* comm, void* memory) {
  return guarded([&] {
    require(comm, "the communicator");
    if (memory != nullptr) comm->communicator->free_memory(memory);
  });
}

motet_status motet_mem_register(motet_comm* comm, void* memory, size_t bytes, int descriptor,
                                uint64_t offset) {
  return guarded([&] {
    require(comm, "the communicator");
    require(memory, "the memory");
    comm->communicator->register_memory(memory, bytes, descriptor, offset);
  });
}

motet_status motet_mem_deregister(motet_comm* comm, void* memory) {
  return guarded([&] {
    require(comm, "the communicator");
    comm->communicator->deregister_memory(memory);
  });
}

const char* motet_last_error(void) {
  return motet::last_error().c_str();
}

const char* motet_last_algorithm(const motet_comm* comm) {
  return comm == nullptr ? nullptr : comm->communicator->last_algorithm().c_str();
}

motet_status motet_explain(motet_comm* comm, motet_collective collective, size_t count, char* text,
                           size_t bytes, size_t* needed) {
  Arguments arguments = motet::arguments_for(collective);
  arguments.count = count;
  return guarded([&] {
    require(comm, "the communicator");
    const std::string whole = comm->communicator->explain(arguments);
    if (needed != nullptr) *needed = whole.size();
    if (text == nullptr || bytes == 0) return;
    const size_t copied = std::min(bytes - 1, whole.size());
    std::memcpy(text, whole.data(), copied);
    text[copied] = '\0';
  });
}

motet_status motet_predict(motet_comm* comm, motet_collective collective, size_t count,
                           motet_type type, int root, const motet_call* given,
                           motet_prediction* prediction) {
  Arguments arguments = motet::arguments_for(collective);
  arguments.type = from<DataType>(type);
  arguments.root = root;
  arguments.count = count;
  return guarded([&] {
    require(comm, "the communicator");
    require(prediction, "the prediction");
    auto result = read_struct(prediction, "motet_prediction");
    const auto call = read_struct(given, "motet_call");
    if (static_cast<int>(arguments.collective) < motet::collective_count) {
      arguments.algorithm = named_in(call, arguments.collective);
    }
    arguments.determinism = static_cast<motet::Determinism>(call.determinism != 0);
    const motet::Expectation expected = comm->communicator->expect(arguments);
    result.time_us = expected.choice.predicted.total().count() * 1e6;
    result.bound_us = expected.bound.count() * 1e6;
    result.algorithm = expected.choice.algorithm->name.data();
    std::memcpy(prediction, &result, std::min(result.size, sizeof result));
  });
}

const char* motet_version(void) {
  return MOTET_VERSION;
}

size_t motet_element_bytes(motet_type type) {
  const auto index = static_cast<int>(type);
  return index < 0 || index >= motet::data_type_count ? 0 : element_bytes(from<DataType>(type));
}

void motet_set_log(motet_log_callback callback, void* user) {
  motet::set_log_sink(callback, user);
}

}  // extern "C"
