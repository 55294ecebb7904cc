// Calls on the communicator, right or not. What succeeds must be right.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "board.hpp"
#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {

motet_call Rank::call() const {
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = timeout_ms;
  return call;
}

Words::Words(const std::string& command) {
  std::istringstream in(command);
  for (std::string word; std::getline(in, word, ':');) words_.push_back(word);
}

std::string Words::text(std::size_t index, const std::string& otherwise) const {
  return index < words_.size() ? words_[index] : otherwise;
}

int Words::number(std::size_t index, int otherwise) const {
  return index < words_.size() ? std::stoi(words_[index]) : otherwise;
}

void say(const std::string& what, motet_status status, double ms, const std::string& text) {
  std::printf("%s|%d|%.1f|%s\n", what.c_str(), static_cast<int>(status), ms, text.c_str());
  std::fflush(stdout);
}

motet_status say_how(const std::string& what, const std::function<motet_status()>& call) {
  const auto start = std::chrono::steady_clock::now();
  const motet_status status = call();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  say(what, status, took.count(), status == motet_ok ? "" : motet_last_error());
  return status;
}

namespace {

constexpr motet_collective collective_named(const std::string& name) {
  constexpr const char* names[] = {"allreduce", "allgather", "reduce_scatter",
                                   "broadcast", "reduce",    "alltoall",
                                   "gather",    "scatter",   "barrier"};
  const auto* found = std::find(std::begin(names), std::end(names), name);
  return static_cast<motet_collective>(found - std::begin(names));
}

// COLLECTIVE:COUNT:ROOT, of float32, summed.
void collective(Rank& rank, const Words& words) {
  OneCall call({.collective = collective_named(words.name()),
                .count = static_cast<size_t>(words.number(1, 0)),
                .root = words.number(2, 0)},
               rank.comm);
  const motet_status status = say_how(words.name(), [&] { return call.run(rank.timeout_ms); });
  if (status == motet_ok) call.check();
}

// hinted:ALGORITHM:COUNT
void hinted(Rank& rank, const Words& words) {
  std::vector<float> data(static_cast<size_t>(words.number(2, 0)), 1.0F);
  motet_call call = rank.call();
  const std::string algorithm = words.text(1, "");
  call.algorithm = algorithm.c_str();
  const motet_status status = say_how("hinted", [&] {
    return motet_allreduce(data.data(), data.data(), data.size(), motet_float32, motet_sum,
                           rank.comm, &call);
  });
  const auto wanted = static_cast<float>(rank.size);
  must_be(status != motet_ok || std::ranges::count(data, wanted) == std::ssize(data),
          "what succeeds is right");
}

// lasting:MS:COUNT: allreduces until so much time has passed for rank 0, with pauses, as of a job
// that computes. Says so once.
void lasting(Rank& rank, const Words& words) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(words.number(1, 0));
  std::vector<float> data(static_cast<size_t>(words.number(2, 1)));
  const motet_call call = rank.call();
  say_how("lasting", [&] {
    motet_status status = motet_ok;
    for (data[0] = 1; status == motet_ok && data[0] != 0;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      data[0] = rank.number == 0 && std::chrono::steady_clock::now() < until ? 1 : 0;
      status = motet_allreduce(data.data(), data.data(), data.size(), motet_float32, motet_max,
                               rank.comm, &call);
    }
    return status;
  });
}

// As a request that is polled.
void started(Rank& rank, const Words& words) {
  OneCall call({.collective = collective_named(words.text(1, "")),
                .count = static_cast<size_t>(words.number(2, 0))},
               rank.comm);
  const motet_status status = say_how("started", [&] {
    motet_status result = call.start();
    for (int done = result != motet_ok; done == 0;) result = motet_test(&call.request(), &done);
    return result;
  });
  if (status == motet_ok) call.check();
}

// unattended:COUNT: as loop, of calls that nobody waits for.
void unattended(Rank& rank, const Words& words) {
  struct Ended {
    std::atomic<int> times = 0;
    std::atomic<int> status = 0;
    std::string text;
  } ended;
  const auto note = [](motet_status status, const char* message, void* user) {
    auto& self = *static_cast<Ended*>(user);
    if (status != motet_ok) self.text = message;
    self.status = status;
    ++self.times;
  };
  std::vector<float> data(static_cast<size_t>(words.number(1, 0)), 1.0F);
  motet_call call = rank.call();
  call.on_done = note;
  call.user = &ended;
  const auto start = std::chrono::steady_clock::now();
  for (int times = 1; ended.status == motet_ok; ++times) {
    const motet_status begun = motet_allreduce(data.data(), data.data(), data.size(), motet_float32,
                                               motet_max, rank.comm, &call);
    if (begun != motet_ok) return say("unattended", begun, 0, motet_last_error());
    must_be(comes_true([&] { return ended.times == times; }), "a callback came");
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  say("unattended", static_cast<motet_status>(ended.status.load()), took.count(), ended.text);
}

// typed:TYPE:OP: 100 elements whose values do not matter.
void typed(Rank& rank, const Words& words) {
  std::vector<double> in(100), out(100);
  const motet_call call = rank.call();
  say_how("typed", [&] {
    return motet_allreduce(in.data(), out.data(), in.size(),
                           static_cast<motet_type>(words.number(1, motet_float32)),
                           static_cast<motet_op>(words.number(2, motet_sum)), rank.comm, &call);
  });
}

// combined:BYTES: 100 elements so long, by a reduction of the user's.
void combined(Rank& rank, const Words& words) {
  motet_reduction reduction{};
  reduction.size = sizeof reduction;
  reduction.element_bytes = static_cast<size_t>(words.number(1, 1));
  reduction.combine = [](void*, const void*, const void*, size_t, motet_type, void*) {};
  motet_call call = rank.call();
  call.reduction = &reduction;
  std::vector<char> in(100 * reduction.element_bytes), out(in.size());
  say_how("combined", [&] {
    return motet_allreduce(in.data(), out.data(), 100, motet_uint8, motet_user, rank.comm, &call);
  });
}

// send:COUNT:PEER, recv:COUNT:PEER
void send(Rank& rank, const Words& words) {
  std::vector<float> data(static_cast<size_t>(words.number(1, 0)));
  const motet_call call = rank.call();
  say_how(words.name(), [&] {
    const auto transfer = [&](auto function) {
      return function(data.data(), data.size(), motet_float32, words.number(2, 0), rank.comm,
                      &call);
    };
    return words.name() == "send" ? transfer(motet_send) : transfer(motet_recv);
  });
}

void timeout(Rank& rank, const Words& words) {
  rank.timeout_ms = words.number(1, 0);
}

void split_part(Rank& rank, const Words& words) {
  motet_comm* part = nullptr;
  say_how("split", [&] { return motet_comm_split(rank.comm, words.number(1, 0), 0, &part); });
  motet_comm_destroy(part);
}

// reach:MARK
void reach(Rank&, const Words& words) {
  board().reach(static_cast<size_t>(words.number(1, 0)));
}
// await:MARK:TIMES
void await(Rank&, const Words& words) {
  board().await(static_cast<size_t>(words.number(1, 0)), words.number(2, 1));
}

}  // namespace

const Commands& call_commands() {
  static const Commands all{{"allreduce", collective},
                            {"allgather", collective},
                            {"reduce_scatter", collective},
                            {"broadcast", collective},
                            {"reduce", collective},
                            {"alltoall", collective},
                            {"gather", collective},
                            {"scatter", collective},
                            {"barrier", collective},
                            {"lasting", lasting},
                            {"started", started},
                            {"unattended", unattended},
                            {"hinted", hinted},
                            {"typed", typed},
                            {"combined", combined},
                            {"send", send},
                            {"recv", send},
                            {"timeout", timeout},
                            {"split", split_part},
                            {"reach", reach},
                            {"await", await}};
  return all;
}

}  // namespace motet::testing
