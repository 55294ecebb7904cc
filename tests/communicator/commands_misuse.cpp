// Bad arguments, aborts, requests that outlive their communicator.
#include <chrono>
#include <cstddef>
#include <thread>

#include "any_number.h"
#include "board.hpp"
#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {
namespace {

void bad_scales(const Rank& rank) {
  std::vector<float> in(5, 1), out(5);
  const auto premultiplied = [&](motet_type type, const motet_call* call) {
    return [&, type, call] {
      return motet_allreduce(in.data(), out.data(), 5, type, motet_premul_sum, rank.comm, call);
    };
  };
  motet_call scaled{};
  scaled.size = sizeof scaled;
  say_how("integers premultiplied", premultiplied(motet_int32, &scaled));
  say_how("no scale", premultiplied(motet_float32, nullptr));
  must(premultiplied(motet_float32, &scaled)());
  say_how("no scale any more", premultiplied(motet_float32, nullptr));
  scaled.size = offsetof(motet_call, scale);
  say_how("a caller without scales", premultiplied(motet_float32, &scaled));
  scaled.size = sizeof scaled;
  const auto summed = [&] {
    return motet_allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, rank.comm, &scaled);
  };
  must(summed());
  scaled.scale = 2;
  say_how("scale of a sum", summed);
  say_how("scale of a broadcast", [&] {
    return motet_broadcast(in.data(), in.data(), 5, motet_float32, 0, rank.comm, &scaled);
  });
  say_how("op and scale", [&] {
    return allreduce_by_number(in.data(), out.data(), motet_float32, 77, rank.comm, &scaled);
  });
}

void bad_reductions(const Rank& rank) {
  std::vector<float> in(30, 1), out(30);
  motet_reduction reduction{};
  motet_call call = rank.call();
  const auto by = [&](motet_op op, const motet_call* how) {
    return [&, op, how] {
      return motet_allreduce(in.data(), out.data(), 1, motet_float32, op, rank.comm, how);
    };
  };
  say_how("no reduction", by(motet_user, nullptr));
  say_how("none in the call", by(motet_user, &call));
  call.reduction = &reduction;
  say_how("reduction's size", by(motet_user, &call));
  reduction.size = sizeof reduction;
  say_how("no function", by(motet_user, &call));
  reduction.combine = [](void*, const void*, const void*, size_t, motet_type, void*) {};
  say_how("reduction of a sum", by(motet_sum, &call));
  say_how("reduction of a barrier", [&] { return motet_barrier(rank.comm, &call); });
  reduction.element_bytes = 1028;
  say_how("long elements", by(motet_user, &call));
  reduction.element_bytes = 6;
  say_how("elements of one and a half", by(motet_user, &call));
  reduction.element_bytes = 8;
  say_how("overlapping elements", [&] {
    return motet_allreduce(in.data(), in.data() + 5, 3, motet_float32, motet_user, rank.comm,
                           &call);
  });
  call.algorithm = "ring";
  say_how("unordered algorithm", by(motet_user, &call));
  call.scale = 2;
  say_how("scale of a user's", by(motet_user, &call));
}

void bad_predictions(motet_comm* comm, int ranks) {
  motet_call call{};
  call.size = sizeof call;
  call.algorithm = "magic";
  motet_prediction prediction{};
  const auto predict = [&](motet_collective collective, int root, const motet_call* how) {
    return [&prediction, collective, root, how, comm] {
      return motet_predict(comm, collective, 5, motet_float32, root, how, &prediction);
    };
  };
  say_how("prediction's size", predict(motet_collective_allreduce, 0, nullptr));
  prediction.size = sizeof prediction;
  say_how("prediction's root", predict(motet_collective_broadcast, ranks, nullptr));
  say_how("prediction's algorithm", predict(motet_collective_allreduce, 0, &call));
  say_how("prediction's collective", [&] { return predict_by_number(99, comm, &prediction); });
}

void bad_arguments(Rank& rank, const Words&) {
  std::vector<float> in(30, 1), out(30);
  motet_comm* const comm = rank.comm;
  const auto allreduce = [&](const void* from, void* to, size_t count, motet_type type, motet_op op,
                             motet_comm* on, const motet_call* call) {
    return [=] { return motet_allreduce(from, to, count, type, op, on, call); };
  };
  const auto of = [&](int type, int op) {
    return [&, type, op] {
      return allreduce_by_number(in.data(), out.data(), type, op, comm, nullptr);
    };
  };
  const auto by = [&](const motet_call& call) {
    return allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, comm, &call);
  };
  const auto broadcast = [&](int root) {
    return [&, root] {
      return motet_broadcast(in.data(), in.data(), 5, motet_float32, root, comm, nullptr);
    };
  };
  const auto plain = [&](const void* from, void* to, size_t count) {
    return allreduce(from, to, count, motet_float32, motet_sum, comm, nullptr);
  };
  say_how("input", plain(nullptr, out.data(), 5));
  say_how("output", plain(in.data(), nullptr, 5));
  say_how("negative root", broadcast(-1));
  say_how("large root", broadcast(rank.size));
  say_how("type", of(77, motet_sum));
  say_how("negative type", of(-1, motet_sum));
  say_how("op", of(motet_float32, 77));
  say_how("negative op", of(motet_float32, -1));
  say_how("bitwise", of(motet_float32, motet_and));
  say_how("overlap", plain(in.data(), in.data() + 1, 5));
  say_how("count", plain(in.data(), out.data(), SIZE_MAX / 2));
  bad_scales(rank);
  bad_reductions(rank);
  say_how("communicator",
          allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, nullptr, nullptr));
  say_how("peer",
          [&] { return motet_send(in.data(), 5, motet_float32, rank.number, comm, nullptr); });
  say_how("negative peer",
          [&] { return motet_recv(in.data(), 5, motet_float32, -1, comm, nullptr); });
  motet_call call{};
  say_how("size", by(call));
  call.size = sizeof call;
  call.algorithm = "magic";
  say_how("algorithm", by(call));
  for (const int nobody : {-1, rank.size}) {
    must_be(motet_comm_node(comm, nobody) == -1, "the node of nobody");
    must_be(motet_comm_local_rank(comm, nobody) == -1, "the local rank of nobody");
    must_be(motet_comm_transport(comm, nobody) == nullptr, "the transport to nobody");
  }
  must_be(motet_comm_rank(nullptr) == -1 && motet_comm_size(nullptr) == -1, "nowhere");
  void* memory = nullptr;
  say_how("memory", [&] { return motet_mem_alloc(comm, SIZE_MAX - 10, &memory); });
  say_how("explain", [&] {
    return motet_explain(comm, motet_collective_allreduce, SIZE_MAX, nullptr, 0, nullptr);
  });
  bad_predictions(comm, rank.size);
  say_how("where", [&] { return motet_comm_split(comm, 0, 0, nullptr); });
  say_how("request", [&] { return motet_wait(nullptr); });
}

// Plans that cannot be made, and what a plan refuses.
void bad_plans(Rank& rank, const Words&) {
  std::vector<float> data(1000, 1), more(1000);
  motet_plan* plan = nullptr;
  motet_request* request = nullptr;
  motet_call call = rank.call();
  call.plan = &plan;
  const auto bind = [&](size_t count) {
    return motet_allreduce(data.data(), more.data(), count, motet_float32, motet_max, rank.comm,
                           &call);
  };
  say_how("too many", [&] { return bind(SIZE_MAX / 2); });
  must_be(plan == nullptr, "only what can be made is set");
  call.request = &request;
  say_how("both", [&] { return bind(5); });
  must_be(plan == nullptr && request == nullptr, "nothing is set");
  call.request = nullptr;
  must(bind(data.size()));
  must(motet_plan_start(plan, &request));
  motet_request* again = nullptr;
  say_how("started again", [&] { return motet_plan_start(plan, &again); });
  say_how("run while started", [&] { return motet_plan_run(plan); });
  must_be(again == nullptr, "only what was started is set");
  must(motet_wait(&request));
  say_how("run when done", [&] { return motet_plan_run(plan); });
  must_be(more == data, "the maximum of ones");
  say_how("no request", [&] { return motet_plan_start(plan, nullptr); });
  say_how("no plan", [&] { return motet_plan_run(nullptr); });
  say_how("nothing to free", [&] { return motet_plan_free(nullptr); });
  must(motet_plan_free(plan));
}

// One is started when the communicator is aborted, one is idle; then the communicator goes.
void plans_and_abort(Rank& rank, const Words&) {
  std::vector<float> data(100'000);
  motet_plan *started = nullptr, *idle = nullptr;
  motet_call call = rank.call();
  const auto bind = [&](motet_plan** plan) {
    call.plan = plan;
    must(motet_allreduce(data.data(), data.data(), data.size(), motet_float32, motet_max, rank.comm,
                         &call));
  };
  bind(&started);
  bind(&idle);
  motet_request *pending = nullptr, *none = nullptr;
  if (rank.number == 0) must(motet_plan_start(started, &pending));
  board().reach(2);
  if (rank.number == 1) {
    board().await(2, rank.size);
    must(motet_comm_abort(rank.comm, "enough"));
  }
  while (motet_comm_error(rank.comm) == motet_ok) std::this_thread::yield();
  if (rank.number == 0) say_how("started", [&] { return motet_wait(&pending); });
  say_how("run", [&] { return motet_plan_run(started); });
  say_how("start", [&] { return motet_plan_start(idle, &none); });
  must(motet_comm_destroy(rank.comm));
  rank.comm = nullptr;
  say_how("run alone", [&] { return motet_plan_run(started); });
  say_how("start alone", [&] { return motet_plan_start(idle, &none); });
  must(motet_plan_free(started));
  must(motet_plan_free(idle));
}

void bad_config(Rank&, const Words&) {
  motet_comm* comm = nullptr;
  const auto create = [&](const motet_config& config) {
    return [&] { return motet_comm_create(&config, &comm); };
  };
  motet_unique_id id{};
  motet_config config{};
  say_how("size", create(config));
  config.size = sizeof config;
  config.transport = "pigeon";
  say_how("transport", create(config));
  config.transport = nullptr;
  config.id = &id;
  config.world_size = 2;
  say_how("id", create(config));
  motet_store store{};
  store.size = sizeof store;
  config.id = nullptr;
  config.store = &store;
  say_how("store", create(config));
  must(motet_unique_id_create(&id));
  config.id = &id;
  config.rank = 2;
  say_how("rank", create(config));
  say_how("where", [&] { return motet_comm_create(&config, nullptr); });
}

void abort_from_thread(Rank& rank, const Words&) {
  std::jthread other;
  if (rank.number == 1) {
    other = std::jthread([&] { motet_comm_abort(rank.comm, "the loss is NaN"); });
  }
  float data = 1;
  say_how("loop", [&] {
    motet_status status = motet_ok;
    while (status == motet_ok) {
      status = motet_allreduce(&data, &data, 1, motet_float32, motet_max, rank.comm, nullptr);
    }
    return status;
  });
  say_how("error", [&] { return motet_comm_error(rank.comm); });
  say_how("type",
          [&] { return allreduce_by_number(&data, &data, 77, motet_max, rank.comm, nullptr); });
  say_how("op",
          [&] { return allreduce_by_number(&data, &data, motet_float32, 77, rank.comm, nullptr); });
}

// Several requests that nobody else ever answers; some are heard of after the end.
void destroy_with_requests(Rank& rank, const Words&) {
  std::vector<float> data(3 * 100'000);
  std::vector<motet_request*> requests(3);
  motet_call call = rank.call();
  for (size_t i = 0; i < requests.size(); ++i) {
    call.request = &requests[i];
    float* const part = data.data() + i * 100'000;
    must(motet_allreduce(part, part, 100'000, motet_float32, motet_sum, rank.comm, &call));
  }
  say_how("destroy", [&] { return motet_comm_destroy(rank.comm); });
  rank.comm = nullptr;
  int done = 0;
  say_how("wait", [&] { return motet_wait(requests.data()); });
  say_how("test", [&] { return motet_test(&requests[1], &done); });
  must_be(done == 1 && requests[1] == nullptr, "a failed request is over");
  say_how("wait", [&] { return motet_wait(&requests[2]); });
}

// interrupt:HOW: an allreduce, called or started, that its caller gives up in the end.
void interrupt(Rank& rank, const Words& words) {
  float data = 1;
  int questions = 0;
  motet_request* request = nullptr;
  motet_call call = rank.call();
  call.interrupted = [](void* user) { return static_cast<int>(++*static_cast<int*>(user) == 3); };
  call.user = &questions;
  if (words.text(1, "") == "started") call.request = &request;
  say_how("interrupt", [&] {
    const motet_status status =
        motet_allreduce(&data, &data, 1, motet_float32, motet_max, rank.comm, &call);
    return status == motet_ok ? motet_wait(&request) : status;
  });
  must_be(questions == 3, "asked on after the answer");
}

// split_and:COLOR:WHAT: of what becomes of one part the other hears nothing.
void split_and(Rank& rank, const Words& words) {
  motet_comm* part = nullptr;
  must(motet_comm_split(rank.comm, words.number(1, 0), 0, &part));
  const std::string what = words.text(2, "");
  if (what == "abort") motet_comm_abort(part, "for a test");
  if (what == "abort" || what == "leave") {
    motet_comm_destroy(part);
    return;
  }
  // Long enough for news of the others to come, also to somebody who waits unusually long.
  float data = 1;
  motet_status status = motet_ok;
  say_how("part", [&] {
    for (int call = 0; status == motet_ok && call < 2; ++call) {
      if (motet_comm_rank(part) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
      status = motet_allreduce(&data, &data, 1, motet_float32, motet_max, part, nullptr);
    }
    return status;
  });
  motet_comm_destroy(part);
}

}  // namespace

const Commands& misuse_commands() {
  static const Commands all{{"bad_arguments", bad_arguments},
                            {"bad_plans", bad_plans},
                            {"plans_and_abort", plans_and_abort},
                            {"bad_config", bad_config},
                            {"abort_from_thread", abort_from_thread},
                            {"interrupt", interrupt},
                            {"destroy_with_requests", destroy_with_requests},
                            {"split_and", split_and}};
  return all;
}

}  // namespace motet::testing
