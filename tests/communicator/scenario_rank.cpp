// One rank of a scenario in which something goes wrong: scenario_rank SCENARIO. Joins by the
// environment, prints a line per call ("CALL STATUS text") and exits with 0 if the scenario ran to
// its end.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "motet/motet.h"

namespace {

using Clock = std::chrono::steady_clock;

motet_comm* comm = nullptr;
int me = 0;
int world_size = 0;
std::vector<float> in(1000, 1.0F), out(1000);

void say(const char* call, motet_status status) {
  std::printf("%s %d %s\n", call, static_cast<int>(status),
              status == motet_ok ? "" : motet_last_error());
  std::fflush(stdout);
}

motet_status allreduce(size_t count = 100, motet_type type = motet_float32,
                       motet_op op = motet_sum) {
  return motet_allreduce(in.data(), out.data(), count, type, op, comm, nullptr);
}
motet_status broadcast(size_t count, int root) {
  return motet_broadcast(in.data(), in.data(), count, motet_float32, root, comm, nullptr);
}
motet_status barrier() {
  return motet_barrier(comm, nullptr);
}

// Calls until an error, as a training loop would. The victim dies half a second after it began.
void die_in_loop(int victim, size_t count) {
  std::vector<float> data(count, 1.0F);
  barrier();
  const auto death = Clock::now() + std::chrono::milliseconds(500);
  motet_status status = motet_ok;
  while (status == motet_ok) {
    if (me == victim && Clock::now() > death) kill(getpid(), SIGKILL);
    status =
        motet_allreduce(data.data(), data.data(), count, motet_float32, motet_max, comm, nullptr);
  }
  const auto late = std::chrono::duration<double, std::milli>(Clock::now() - death).count();
  say("allreduce", status);
  say("next", barrier());
  std::printf("noticed %.1f ms after the deadline of the victim\n", late);
}

// Rank 1 is stopped inside a large allreduce; the others time out and write over their buffers,
// which nobody may touch when rank 1 goes on.
void stop_in_loop(float* data, size_t count) {
  barrier();
  std::thread stopper;
  const pid_t pid = getpid();
  if (me == 1 && fork() == 0) {
    usleep(200'000);
    kill(pid, SIGSTOP);
    usleep(2'500'000);
    kill(pid, SIGCONT);
    _exit(0);
  }
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = 1000;
  motet_status status = motet_ok;
  while (status == motet_ok) {
    status = motet_allreduce(data, data, count, motet_float32, motet_max, comm, &call);
  }
  say("allreduce", status);
  if (me == 1) return;
  std::memset(data, 0x5a, count * sizeof(float));
  const auto until = Clock::now() + std::chrono::seconds(4);
  while (Clock::now() < until) usleep(10'000);
  const auto* bytes = reinterpret_cast<const unsigned char*>(data);
  bool intact = true;
  for (size_t i = 0; i < count * sizeof(float); ++i) intact &= bytes[i] == 0x5a;
  std::printf("intact %s\n", intact ? "yes" : "no");
}

constexpr size_t large = size_t{16} << 20;  // elements: 64 MiB

void stop_ordinary() {
  std::vector<float> data(large);
  stop_in_loop(data.data(), large);
}

void stop_mapped() {
  void* memory = nullptr;
  say("alloc", motet_mem_alloc(comm, large * sizeof(float), &memory));
  stop_in_loop(static_cast<float*>(memory), large);
  say("free", motet_mem_free(comm, memory));
}

void fork_without_exec() {
  barrier();
  if (me == 1) {
    if (fork() == 0) {  // outlives its parent, and may not use the library
      const motet_status status = allreduce();
      std::printf("child %d %s\n", static_cast<int>(status), motet_last_error());
      std::fflush(stdout);
      usleep(3'000'000);
      _exit(0);
    }
    say("parent", allreduce());
    kill(getpid(), SIGKILL);
  }
  say("parent", allreduce());
  say("after", allreduce());
}

// C lets any int be an enumeration.
template <class Enumeration>
Enumeration as_c_would_pass(int number) {
  Enumeration result{};
  static_assert(sizeof result == sizeof number);
  std::memcpy(&result, &number, sizeof result);
  return result;
}

void bad_arguments() {
  say("null", motet_allreduce(nullptr, out.data(), 5, motet_float32, motet_sum, comm, nullptr));
  say("root", broadcast(5, -1));
  say("root", broadcast(5, world_size));
  say("type", allreduce(5, as_c_would_pass<motet_type>(77)));
  say("op", allreduce(5, motet_float32, as_c_would_pass<motet_op>(9)));
  say("bitwise", allreduce(5, motet_float32, motet_and));
  say("overlap",
      motet_allreduce(in.data(), in.data() + 1, 5, motet_float32, motet_sum, comm, nullptr));
  say("comm",
      motet_allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, nullptr, nullptr));
  say("self", motet_send(in.data(), 5, motet_float32, me, comm, nullptr));
  motet_call call{};
  say("size", motet_allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, comm, &call));
  call.size = sizeof call;
  call.algorithm = "magic";
  say("algorithm",
      motet_allreduce(in.data(), out.data(), 5, motet_float32, motet_sum, comm, &call));
  say("good", allreduce());
  std::printf("sum %g\n", static_cast<double>(out[0]));
}

void abort_from_thread() {
  barrier();
  std::thread other;
  if (me == 1) other = std::thread([] { motet_comm_abort(comm, "the loss is NaN"); });
  motet_status status = motet_ok;
  while (status == motet_ok) status = allreduce();
  say("allreduce", status);
  say("error", motet_comm_error(comm));
  if (other.joinable()) other.join();
}

void destroy_with_requests() {
  barrier();
  motet_request* request = nullptr;
  motet_call call{};
  call.size = sizeof call;
  call.request = &request;
  if (me == 0) {  // nobody else ever calls it
    motet_allreduce(in.data(), out.data(), 100, motet_float32, motet_sum, comm, &call);
  }
  say("destroy", motet_comm_destroy(comm));
  comm = nullptr;
  if (me == 0) say("wait", motet_wait(&request));
}

const std::map<std::string, std::function<void()>>& scenarios() {
  static const std::map<std::string, std::function<void()>> all{
      {"kill_small", [] { die_in_loop(1, 1000); }},
      {"kill_large", [] { die_in_loop(2, large); }},
      {"kill_hub", [] { die_in_loop(0, 1000); }},
      {"stop_ordinary", stop_ordinary},
      {"stop_mapped", stop_mapped},
      {"collectives", [] { say("call", me == 0 ? allreduce() : broadcast(100, 0)); }},
      {"counts", [] { say("call", allreduce(100 + (me == 1))); }},
      {"types", [] { say("call", allreduce(100, me == 1 ? motet_int32 : motet_float32)); }},
      {"ops", [] { say("call", allreduce(100, motet_float32, me == 1 ? motet_max : motet_sum)); }},
      {"roots",
       [] {
         say("call", broadcast(5, me % 2));
         say("next", barrier());
         say("last", barrier());
       }},
      {"count_zero",
       [] {
         say("call", broadcast(me == 1 ? 0 : 5, 0));
         say("next", barrier());
         say("last", barrier());
       }},
      {"skipped",
       [] {
         if (me != 1) say("call", barrier());
         say("next", allreduce());
       }},
      {"swapped",
       [] {
         if (me == 1) say("call", allreduce());
         say("call", broadcast(5, 0));
         if (me != 1) say("call", allreduce());
       }},
      {"left",
       [] {
         if (me == 1) {
           motet_comm_destroy(comm);
           comm = nullptr;
           usleep(1'500'000);
         } else {
           say("call", allreduce());
         }
       }},
      {"exited",
       [] {
         if (me == 1) _exit(0);
         say("call", allreduce());
       }},
      {"late",
       [] {
         motet_call call{};
         call.size = sizeof call;
         call.timeout_ms = 700;
         if (me == 1) usleep(2'000'000);
         say("call",
             motet_allreduce(in.data(), out.data(), 10, motet_float32, motet_sum, comm, &call));
       }},
      {"fork_without_exec", fork_without_exec},
      {"bad_arguments", bad_arguments},
      {"abort_from_thread", abort_from_thread},
      {"destroy_with_requests", destroy_with_requests},
  };
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const auto scenario = scenarios().find(argc > 1 ? argv[1] : "");
  if (scenario == scenarios().end()) return 2;
  if (const motet_status status = motet_comm_create(nullptr, &comm); status != motet_ok) {
    say("create", status);
    return 3;
  }
  me = motet_comm_rank(comm);
  world_size = motet_comm_size(comm);
  if (const motet_status status = barrier(); status != motet_ok) {
    say("start", status);  // the others were quicker, and their trouble has come here already
    return 0;
  }
  scenario->second();
  motet_comm_destroy(comm);
  return 0;
}
